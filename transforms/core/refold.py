"""Refold: a person's facts from the tape, as of a time that the image no longer answers."""

from __future__ import annotations

from collections.abc import Iterable

from transforms.core.fold import fold, prune
from transforms.core.fold_event import FoldEvent, order
from transforms.core.plan import Plan
from transforms.core.profile import Profile


def refold(person_id: str, events: Iterable[FoldEvent], plan: Plan) -> Profile:
    """The profile that these events of one person make: facts, without contacts and journeys."""
    profile = Profile(person_id)
    for event in sorted(events, key=order):
        fold(profile, event, plan)
    prune(profile, plan)
    return profile
