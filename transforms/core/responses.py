"""Responses: what channels and persons answered to actions.

A fact by action: the earliest event time of each kind of answer, in whatever order they come. An answer may
be folded before the action is on record, and it may be about an action that another profile has; it waits.
"""

from __future__ import annotations

from collections.abc import Callable

from schemas.workspace.policy import RESPONSES_US
from transforms.core.condition import Read
from transforms.core.fold_event import FoldEvent

Responses = dict[str, dict[str, int]]
"""By action id, the kinds of answers and when each came first, in microseconds."""

_PREFIX = "action."
KINDS = ("delivered", "opened", "clicked", "converted", "dismissed", "failed")
ANSWERS = frozenset({"opened", "clicked", "converted"})
"""Kinds that show interest."""
FAILED = "failed"
CONVERTED = "converted"

Respond = Callable[[Responses, FoldEvent], None]
"""Takes an event into a person's responses, in place."""


def response_paths(event_type: str) -> tuple[str, ...]:
    """The data paths that are read from events of a type; none for one that answers nothing."""
    return ("action_id",) if _kind(event_type) else ()


def respond_of(event_type: str, read: Callable[[str], Read]) -> Respond | None:
    """What takes events of a type into a person's responses; None for one that answers nothing."""
    kind = _kind(event_type)
    if kind is None:
        return None
    action_id = read("action_id")

    def respond(responses: Responses, event: FoldEvent) -> None:
        for answered in action_id(event):
            times = responses.setdefault(answered, {})
            times[kind] = min(event.time_us, times.get(kind, event.time_us))

    return respond


def prune_responses(responses: Responses, newest_us: int) -> Responses:
    """Those that are young enough to count, their keys sorted."""
    start_us = newest_us - RESPONSES_US
    return {
        action_id: dict(sorted(times.items()))
        for action_id, times in sorted(responses.items())
        if max(times.values()) > start_us
    }


def _kind(event_type: str) -> str | None:
    kind = event_type.removeprefix(_PREFIX)
    return kind if kind != event_type and kind in KINDS else None
