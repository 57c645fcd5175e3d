"""Rules: texts such as `Closed Queue,category,string,Value EQ Closed`, nested by AND and OR."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.cjds.model import Rules, parse
from schemas.cjds.remarks import At, RefusedError
from schemas.workspace.condition import Op
from schemas.workspace.phrases import found

OPS = {
    "EQ": Op.EQ,
    "NEQ": Op.NE,
    "GT": Op.GT,
    "GTE": Op.GE,
    "LT": Op.LT,
    "LTE": Op.LE,
    "HAS": Op.CONTAINS,
}
KINDS = {
    "string": "text",
    "integer": "number",
    "int": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "number": "number",
    "boolean": "boolean",
    "bool": "boolean",
}
MAX_DEPTH = 20

_JOINS = {"AND": "all", "OR": "any"}
_FORM = "'EVENT,FIELD,TYPE,AGGREGATION OP VALUE'"
_NAME = r"(?:'([^']+)'|([^',]+))"
_WORD = r"'?([A-Za-z]+)'?"
_RULE = re.compile(
    rf"\s*{_NAME}\s*,\s*{_NAME}\s*,\s*(?:{_WORD}\s*,\s*)?{_WORD}\s+([A-Za-z_]+)(?:\s+(.*\S))?\s*", re.DOTALL
)


@dataclass(frozen=True)
class Rule:
    """One comparison.

    Attributes:
        kind: `string`, `integer` and so on, in lower case; None in the form that has none.
        mode: the aggregation, in lower case.
        value: as the text has it, without its quotes.
    """

    event: str
    field: str
    kind: str | None
    mode: str
    op: Op
    value: str


Translate = Callable[[At, Rule], dict[str, Any]]


def condition_of(at: At, rules: Any, translate: Translate, depth: int = 0) -> dict[str, Any]:
    """The rules at a place as a condition of a workspace's files.

    Args:
        translate: makes a test of one comparison.

    Raises:
        RefusedError: a part of them has no counterpart; a condition without it would be another one.
    """
    if isinstance(rules, str):
        return translate(at, parse_rule(at, rules))
    if depth == MAX_DEPTH:
        raise RefusedError(at, f"expected at most {MAX_DEPTH} levels of rules, found more", "flatten them")
    model = parse(at, rules, Rules)
    for key, value in model.unknown().items():
        raise RefusedError(at.at(key), f"is not known in rules, found {found(value)}", "write logic and args")
    logic = (model.logic or "SINGLE").upper()
    if model.condition is not None and model.args is None and logic == "SINGLE":
        return condition_of(at.at("condition"), model.condition, translate, depth + 1)
    if logic not in (*_JOINS, "SINGLE"):
        raise RefusedError(
            at.at("logic"), f"expected AND, OR or SINGLE, found {found(model.logic)}", "write all, any or not"
        )
    if model.condition is not None or not model.args or (logic == "SINGLE" and len(model.args) > 1):
        raise RefusedError(
            at, "expected a condition with SINGLE, or args with AND or OR, found other rules", "correct them"
        )
    parts = [
        condition_of(at.at("args", index), part, translate, depth + 1)
        for index, part in enumerate(model.args)
    ]
    return parts[0] if len(parts) == 1 else {_JOINS[logic]: parts}


def parse_rule(at: At, text: str) -> Rule:
    """One comparison from its text; quotes around names and values are optional.

    Raises:
        RefusedError: it is none.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise RefusedError(at, f"expected {_FORM}, found {found(text)}", "write the rule so")
    event, field = match[1] or match[2], match[3] or match[4]
    kind, mode, op, value = match[5], match[6], match[7].upper(), match[8] or ""
    if op not in OPS:
        raise RefusedError(at, f"expected {', '.join(OPS)}, found the operator {op}", "choose one of them")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    if not value:
        raise RefusedError(at, f"expected a value to compare with, found none in {found(text)}", "add it")
    return Rule(event.strip(), field.strip(), kind and kind.lower(), mode.lower(), OPS[op], value)


def kind_of(at: At, type_name: str) -> str:
    """What kind of value a type of theirs is.

    Raises:
        RefusedError: it is not known.
    """
    if type_name.lower() not in KINDS:
        raise RefusedError(
            at, f"expected {', '.join(KINDS)}, found the type {type_name!r}", "choose one of them"
        )
    return KINDS[type_name.lower()]


def value_of(at: At, text: str, kind: str) -> str | int | float | bool:
    """The value to compare with, as YAML has it.

    Raises:
        RefusedError: it is not of that kind.
    """
    if kind == "boolean" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "number" and re.fullmatch(r"[-+]?\d{1,18}", text, re.ASCII):
        return int(text)
    if kind == "number" and re.fullmatch(r"[-+]?\d{1,300}(\.\d{1,300})?", text, re.ASCII):
        return float(text)
    if kind == "text":
        return text
    raise RefusedError(at, f"expected a {kind}, found {found(text)}", "correct the value or its type")
