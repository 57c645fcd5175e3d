"""Fold: one event into one profile, exactly once, in any order."""

from __future__ import annotations

from enum import StrEnum

from transforms.core.fold_event import FoldEvent
from transforms.core.plan import Plan
from transforms.core.profile import Profile
from transforms.core.responses import prune_responses


class FoldOutcome(StrEnum):
    """What became of an event."""

    FOLDED = "folded"
    DUPLICATE = "duplicates"
    CONFLICT = "conflicts"
    BELOW_FLOOR = "below_floor"
    LATE = "late"


_FOLDED = FoldOutcome.FOLDED


def is_late(time_us: int, publish_us: int, allowed_lateness_us: int) -> bool:
    """Whether an event was published too long after its time to be folded."""
    return publish_us - time_us > allowed_lateness_us


def floor_us(profile: Profile, plan: Plan) -> int:
    """The event time below which fingerprints are gone, so that nothing may be folded any more."""
    return profile.publish_us - 2 * plan.lateness_us


def fold(profile: Profile, event: FoldEvent, plan: Plan) -> tuple[FoldOutcome, int]:
    """Folds an event into a profile, in place.

    Any order of the same events, with any copies of them, leaves the same facts, as long as none lies
    below the floor.

    Returns:
        What became of the event, and how many of its values were no numbers that could be summed.
    """
    publish_us = event.publish_us
    time_us = event.time_us
    lateness_us = plan.lateness_us
    if publish_us - time_us > lateness_us:
        _state(profile, event, plan)
        return FoldOutcome.LATE, 0
    if time_us < profile.publish_us - 2 * lateness_us:
        _state(profile, event, plan)
        return FoldOutcome.BELOW_FLOOR, 0
    if publish_us > profile.publish_us:
        profile.publish_us = publish_us
    print_ = (time_us, event.content32)
    seen = profile.prints.setdefault(event.print64, print_)
    if seen is not print_:
        return (FoldOutcome.DUPLICATE if seen[1] == event.content32 else FoldOutcome.CONFLICT), 0
    _meet(profile, event)
    refused = 0
    attributes = profile.attributes
    event_type = event.type
    for add in plan.adds[event_type]:
        refused += add(attributes, event)
    if event_type in plan.says:
        plan.says[event_type](profile.consents, event)
    elif event_type in plan.responds:
        plan.responds[event_type](profile.responses, event)
    return _FOLDED, refused


def _meet(profile: Profile, event: FoldEvent) -> None:
    """Takes in when an event was, and the identities that it was seen with."""
    time_us = event.time_us
    if time_us > profile.time_us:
        profile.time_us = time_us
    identities = profile.identities
    for identity in event.identities:
        first_us = identities.get(identity)
        if first_us is None or time_us < first_us:
            identities[identity] = time_us


def _state(profile: Profile, event: FoldEvent, plan: Plan) -> None:
    """Takes a statement in that comes too late for everything else: a withdrawal counts whenever it comes.

    It can be taken in any number of times, so that it needs no fingerprint.
    """
    say = plan.says.get(event.type)
    if say is not None:
        _meet(profile, event)
        say(profile.consents, event)


def prune(profile: Profile, plan: Plan) -> None:
    """Drops buckets, entries and fingerprints that no later as-of time can count, and sorts the rest."""
    floor = floor_us(profile, plan)
    if any(time_us < floor for time_us, _ in profile.prints.values()):
        profile.prints = {key: held for key, held in profile.prints.items() if held[0] >= floor}
    states, folds, newest_us = profile.attributes, plan.folds, profile.time_us
    attributes = {}
    for name in sorted(states):
        attribute = folds.get(name)
        # An attribute that left the templates leaves the profile: only what can be acted on is kept.
        if attribute is not None:
            kept = attribute.prune(states[name], newest_us)
            if kept is not None:
                attributes[name] = kept
    profile.attributes = attributes
    if profile.consents:
        known = plan.known_statement
        profile.consents = {key: said for key, said in sorted(profile.consents.items()) if known(key)}
    if profile.responses:
        profile.responses = prune_responses(profile.responses, newest_us)
    if len(profile.identities) > 1:
        profile.identities = dict(sorted(profile.identities.items()))
    if len(profile.runs) > 1:
        profile.runs = dict(sorted(profile.runs.items()))
    if len(profile.written) > 1:
        profile.written = dict(sorted(profile.written.items()))
    if len(profile.entered) > 1:
        profile.entered = dict(sorted(profile.entered.items()))
    if len(profile.watches) > 1:
        profile.watches = dict(sorted(profile.watches.items()))
