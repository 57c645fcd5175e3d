"""Gates against too much: suppression, caps, quiet hours, arbitration."""

from __future__ import annotations

from collections.abc import Callable

from schemas.action import Category
from schemas.timestamps import DAY_US, MINUTE_US, format_rfc3339
from schemas.workspace.condition import Condition
from schemas.workspace.policy import SOLICITING, Cap, QuietHours
from transforms.core.condition import Explained
from transforms.core.gate import Candidate, Gate, Message, preference
from transforms.core.local_time import clock_minute, local_minute, next_local, zone_of
from transforms.core.permissions import suppressing_list
from transforms.core.profile import Contact, Profile
from transforms.core.responses import ANSWERS, FAILED
from transforms.core.rulings import (
    ANOTHER_MESSAGE,
    CAP,
    CHOSEN_FREQUENCY,
    DEFERRED,
    QUIET_HOURS,
    RESERVED,
    SUPPRESSED,
    SUPPRESSION_LIST,
    UNANSWERED,
    Verdict,
)
from transforms.core.run_keys import journey_of
from transforms.core.shares import PARTS, part_of

SPREAD_US = 10 * MINUTE_US
"""What was deferred to one time is spread over so long, by a stable hash of the person."""

_Counts = Callable[[Contact], bool]


def pressure_gates(message: Message) -> list[Gate]:
    """The gates of one message, in their order, without those that let all pass."""
    policy = message.plan.workspace.policy
    suppressing = [
        _suppressing(message, item.name, item.condition)
        for item in policy.suppressions
        if message.category in item.categories
    ]
    if message.journey.suppress is not None:
        suppressing.append(_suppressing(message, message.journey.name, message.journey.suppress))
    gates = [
        _listed(message),
        *suppressing,
        _unanswered(message),
        *(_cap(cap) for cap in policy.caps if _concerns(cap, message)),
        _frequency(message),
        _quiet(message),
        _another(message),
        _reserved(message),
    ]
    return [gate for gate in gates if gate is not None]


def sent(profile: Profile, contact: Contact) -> bool:
    """Whether a contact was made: held out and failed ones were not."""
    if contact.held:
        return False
    answered = profile.responses.get(contact.action_id) if profile.responses else None
    return answered is None or FAILED not in answered or len(answered) > 1


def _listed(message: Message) -> Gate:
    category = message.category

    def gate(candidate: Candidate) -> Verdict | None:
        found = suppressing_list(candidate.profile.consents, category)
        if found is None:
            return None
        name, said = found
        return Verdict(SUPPRESSION_LIST, {"list": name, "since": format_rfc3339(said.time_us)})

    return gate


def _suppressing(message: Message, name: str, condition: Condition) -> Gate:
    explained = Explained(condition, message.plan.subject)

    def gate(candidate: Candidate) -> Verdict | None:
        holds, tests = explained.evaluate(candidate.scope, candidate.as_of_us)
        return Verdict(SUPPRESSED, {"rule": name, "condition": tests}) if holds else None

    return gate


def _unanswered(message: Message) -> Gate | None:
    rule = message.plan.workspace.policy.unanswered
    if rule is None or not message.solicits:
        return None

    def gate(candidate: Candidate) -> Verdict | None:
        profile, as_of_us = candidate.profile, candidate.as_of_us
        if len(profile.contacts) < rule.limit:
            return None
        run = 0
        newest_us = None
        for contact in reversed(profile.contacts):
            if contact.category not in SOLICITING or not sent(profile, contact):
                continue
            if contact.action_id in profile.conversions or not ANSWERS.isdisjoint(
                profile.responses.get(contact.action_id, ())
            ):
                break
            newest_us = contact.time_us if newest_us is None else newest_us
            run += 1
        if newest_us is None or run < rule.limit or as_of_us >= newest_us + rule.pause_us:
            return None
        until = format_rfc3339(newest_us + rule.pause_us)
        return Verdict(UNANSWERED, {"unanswered": run, "limit": rule.limit, "until": until})

    return gate


def _concerns(cap: Cap, message: Message) -> bool:
    """Whether a cap may hold back a message; the law's own are capped only where a cap names them."""
    return (
        cap.journey in (None, message.journey.name)
        and cap.category in (None, message.category)
        and (cap.channel is None or cap.channel in message.send.channels)
        and (message.solicits or cap.category is message.category)
    )


def _cap(cap: Cap) -> Gate:
    category = None if cap.category is None else cap.category.value

    def counts(contact: Contact) -> bool:
        return (
            cap.journey in (None, contact.journey)
            and cap.channel in (None, contact.channel)
            and (contact.category in SOLICITING if category is None else contact.category == category)
        )

    def gate(candidate: Candidate) -> Verdict | None:
        if len(candidate.profile.contacts) < cap.limit:
            return None
        if cap.channel is not None and cap.channel != candidate.channels[0]:
            return None
        found = _near(candidate, cap.window_us, counts)
        if found < cap.limit:
            return None
        return Verdict(CAP, {"cap": cap.name, "limit": cap.limit, "sent": found})

    return gate


def _frequency(message: Message) -> Gate | None:
    """The person's own cap."""
    if not message.solicits:
        return None

    def gate(candidate: Candidate) -> Verdict | None:
        if not candidate.profile.consents:
            return None
        most = preference(candidate.profile, "most_per_week")
        if most is None or len(candidate.profile.contacts) < most:
            return None
        found = _near(candidate, 7 * DAY_US, lambda contact: contact.category in SOLICITING)
        return Verdict(CHOSEN_FREQUENCY, {"most_per_week": most, "sent": found}) if found >= most else None

    return gate


def _near(candidate: Candidate, window_us: int, counts: _Counts) -> int:
    """How many contacts a window of that length that holds this moment may have.

    Contacts are decided in the order of commits, which is not quite that of their times: one may lie ahead.
    """
    profile = candidate.profile
    start_us, end_us = candidate.as_of_us - window_us, candidate.as_of_us + window_us
    found = 0
    for contact in reversed(profile.contacts):
        if contact.time_us <= start_us:
            break
        if contact.time_us < end_us and counts(contact) and sent(profile, contact):
            found += 1
    return found


def _quiet(message: Message) -> Gate | None:
    workspace = message.plan.workspace
    rules = [
        rule
        for rule in workspace.policy.quiet_hours
        if message.category in rule.categories
        and (rule.channels is None or not rule.channels.isdisjoint(message.send.channels))
    ]
    solicits = message.solicits
    if not rules and not solicits:
        return None

    def gate(candidate: Candidate) -> Verdict | None:
        profile = candidate.profile
        own = _own_hours(profile) if solicits and profile.consents else None
        for rule in rules if own is None else [own]:
            if rule.channels is not None and candidate.channels[0] not in rule.channels:
                continue
            zone = zone_of(preference(profile, "time_zone"), workspace.time_zone)
            minute = local_minute(candidate.as_of_us, zone)
            if not _lies_within(minute, rule):
                continue
            end_us = next_local(candidate.as_of_us, rule.end, zone)
            evidence = {"local_time": f"{minute // 60:02}:{minute % 60:02}", "time_zone": zone.key}
            if not rule.defers:
                return Verdict(QUIET_HOURS, evidence)
            until_us = end_us + part_of(profile.person_id, "spread") * SPREAD_US // PARTS
            evidence["until"] = format_rfc3339(until_us)
            return Verdict(DEFERRED, evidence, until_us=until_us)
        return None

    return gate


def _own_hours(profile: Profile) -> QuietHours | None:
    """The quiet hours that the person chose, in place of the workspace's."""
    start = clock_minute(preference(profile, "quiet_from"))
    end = clock_minute(preference(profile, "quiet_until"))
    if start is None or end is None or start == end:
        return None
    return QuietHours(start, end, True, SOLICITING)


def _lies_within(minute: int, rule: QuietHours) -> bool:
    if rule.start < rule.end:
        return rule.start <= minute < rule.end
    return minute >= rule.start or minute < rule.end


def _another(message: Message) -> Gate | None:
    arbitration = message.plan.workspace.policy.arbitration
    if arbitration is None or message.category is not Category.COMMERCIAL:
        return None
    commercial = Category.COMMERCIAL.value

    def gate(candidate: Candidate) -> Verdict | None:
        profile = candidate.profile
        start_us = candidate.as_of_us - arbitration.window_us
        end_us = candidate.as_of_us + arbitration.window_us
        for contact in reversed(profile.contacts):
            if contact.time_us <= start_us:
                break
            if contact.time_us < end_us and contact.category == commercial and sent(profile, contact):
                evidence = {"journey": contact.journey, "sent": format_rfc3339(contact.time_us)}
                return Verdict(ANOTHER_MESSAGE, evidence)
        return None

    return gate


def _reserved(message: Message) -> Gate | None:
    """A journey of higher priority that is soon due is waited for."""
    arbitration = message.plan.workspace.policy.arbitration
    if arbitration is None or not arbitration.reserve_us or message.category is not Category.COMMERCIAL:
        return None
    higher = {
        journey.name: journey.priority
        for journey in message.plan.workspace.journeys
        if journey.category is Category.COMMERCIAL and journey.priority > message.journey.priority
    }
    reserve_us = arbitration.reserve_us

    def gate(candidate: Candidate) -> Verdict | None:
        for slot, run in candidate.profile.runs.items():
            name = journey_of(slot)
            if name in higher and run.due_us <= candidate.as_of_us + reserve_us:
                evidence = {"for": name, "priority": higher[name], "due": format_rfc3339(run.due_us)}
                return Verdict(RESERVED, evidence)
        return None

    return gate
