"""Gates of content: a template that may be sent now, and all that it needs to be filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from schemas.timestamps import format_rfc3339
from schemas.workspace.messages import MessageTemplate
from schemas.workspace.values import is_date
from transforms.core.action_body import read_source
from transforms.core.condition import instant_us
from transforms.core.gate import Candidate, Gate, Message
from transforms.core.rulings import MISSING_DATA, TEMPLATE_NOT_VALID, WRONG_DATA, Verdict

_IS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float | Decimal) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": lambda value: isinstance(value, str) and instant_us(value) is not None,
    "date": lambda value: isinstance(value, str) and is_date(value),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def content_gates(message: Message, template: MessageTemplate) -> list[Gate]:
    """The gates of one message, in their order, without those that let all pass."""
    gates = []
    if template.valid_from_us is not None or template.valid_until_us is not None:
        gates.append(_validity(template))
    if template.data:
        gates.append(_data(message, template))
    return gates


def _validity(template: MessageTemplate) -> Gate:
    since_us, until_us = template.valid_from_us, template.valid_until_us
    evidence = {"template": template.name}
    if since_us is not None:
        evidence["valid_from"] = format_rfc3339(since_us)
    if until_us is not None:
        evidence["valid_until"] = format_rfc3339(until_us)
    refused = Verdict(TEMPLATE_NOT_VALID, evidence)

    def gate(candidate: Candidate) -> Verdict | None:
        too_early = since_us is not None and candidate.as_of_us < since_us
        too_late = until_us is not None and candidate.as_of_us >= until_us
        return refused if too_early or too_late else None

    return gate


def _data(message: Message, template: MessageTemplate) -> Gate:
    """Every value is there that must be, and each is what it is to be."""
    plan, sources = message.plan, message.send.data
    filled = [(name, sources.get(name), datum) for name, datum in template.data.items()]

    def gate(candidate: Candidate) -> Verdict | None:
        missing = []
        for name, source, datum in filled:
            value = None if source is None else read_source(source, candidate.scope, plan)
            if value is None:
                if datum.required:
                    missing.append(name)
            elif not _IS[datum.kind](value):
                evidence = {"template": template.name, "data": name, "expected": datum.kind, "found": value}
                return Verdict(WRONG_DATA, evidence)
        return Verdict(MISSING_DATA, {"template": template.name, "missing": missing}) if missing else None

    return gate


def language_of(wanted: str | None, languages: Sequence[str]) -> str | None:
    """Of a template's languages the one for a person.

    That is the one that they want, or else one of the same language from elsewhere (`de` for `de-AT`), or
    else the template's first. A template without languages leaves it to its channel.
    """
    if not languages:
        return wanted
    for pick in (_whole, _primary):
        for language in languages:
            if wanted is not None and pick(language) == pick(wanted):
                return language
    return languages[0]


def _whole(language: str) -> str:
    return language.lower()


def _primary(language: str) -> str:
    return language.lower().partition("-")[0]
