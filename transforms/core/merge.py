"""Merge: the profiles of two persons who turned out to be one, as one profile.

Commutative and associative, of profiles that have no event in common: whoever merges which first, the bytes
are the same, and the facts are those of all the events folded into one profile. What was sent to either
counts from then on, so that caps, cooldowns and pauses hold for the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from transforms.core.fold import prune
from transforms.core.plan import Plan
from transforms.core.profile import Profile, Run, Watch, Written
from transforms.core.responses import Responses
from transforms.core.statements import later

K = TypeVar("K", int, str)
V = TypeVar("V")
_NO_PRIORITY = 1 << 31
"""Of a person without an identity: after all others."""


def merge(one: Profile, other: Profile, plan: Plan) -> Profile:
    """The profile of both, pruned; it may share what it holds with either, neither of which is to be used on.

    The person with the better identity (by the priority of its namespace, then by person id) survives. Of two
    runs of a journey with one key the one goes on that has sent something, then the one that began first. A
    condition of a journey counts as met if it was for either; it is for the caller to look at it again.
    """
    merged = Profile(
        min(one, other, key=_Precedence(plan)).person_id,
        max(one.time_us, other.time_us),
        max(one.publish_us, other.publish_us),
        _united(one.identities, other.identities, min),
        _attributes(one, other, plan),
        _united(one.consents, other.consents, later),
        _responses(one.responses, other.responses),
        _united(one.conversions, other.conversions, min),
        sorted({*one.contacts, *other.contacts}, key=lambda contact: (contact.time_us, contact.action_id)),
        _united(one.runs, other.runs, _goes_on),
        _united(one.written, other.written, _written_last),
        _united(one.entered, other.entered, min),
        _united(one.watches, other.watches, _watched),
        _united(one.prints, other.prints, min),
        one.overflown or other.overflown,
    )
    prune(merged, plan)
    return merged


class _Precedence:
    """The fixed total order in which the first of two persons survives."""

    def __init__(self, plan: Plan) -> None:
        self._priorities = {item.name: item.priority for item in plan.workspace.namespaces}

    def __call__(self, profile: Profile) -> tuple[int, str]:
        namespaces = (identity.partition(":")[0] for identity in profile.identities)
        priorities = (self._priorities.get(name, _NO_PRIORITY) for name in namespaces)
        return min(priorities, default=_NO_PRIORITY), profile.person_id


def _united(one: Mapping[K, V], other: Mapping[K, V], join: Callable[[V, V], V]) -> dict[K, V]:
    """All of both by sorted keys, what both have joined to one."""
    united = {**one, **other}
    for key in one.keys() & other.keys():
        united[key] = join(one[key], other[key])
    return {key: united[key] for key in sorted(united)}


def _attributes(one: Profile, other: Profile, plan: Plan) -> dict[str, Any]:
    states = {**one.attributes, **other.attributes}
    for name in one.attributes.keys() & other.attributes.keys() & plan.folds.keys():
        states[name] = plan.folds[name].merge(one.attributes[name], other.attributes[name])
    return states


def _responses(one: Responses, other: Responses) -> Responses:
    return _united(one, other, lambda times, others: _united(times, others, min))


def _goes_on(one: Run, other: Run) -> Run:
    """The one that has sent something: the other's first message would be the person's second."""
    return min(one, other, key=lambda run: (not run.sent, run.cause[3], _bytes(run)))


def _written_last(one: Written, other: Written) -> Written:
    return max(one, other, key=lambda written: (written.time_us, _bytes(written)))


def _watched(one: Watch, other: Watch) -> Watch:
    due = [watch.due_us for watch in (one, other) if watch.due_us is not None]
    return Watch(one.holds or other.holds, min(due, default=None))


def _bytes(value: msgspec.Struct) -> bytes:
    """What tells any two apart that differ."""
    return msgspec.json.encode(value, order="deterministic")
