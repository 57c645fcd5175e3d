"""Decisions: why an action was sent, or was not."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Outcome(StrEnum):
    """What became of a candidate action."""

    SENT = "sent"
    DEFERRED = "deferred"
    SUPPRESSED = "suppressed"
    HELD_OUT = "held_out"
    EXPIRED = "expired"
    REHEARSED = "rehearsed"


class Gate(StrEnum):
    """The gates of an action, in the order in which it passes them."""

    VALIDITY = "validity"
    CONDITION = "condition"
    REENTRY = "reentry"
    CONTROL_GROUP = "control_group"
    CONSENT = "consent"
    PREFERENCE = "preference"
    ADDRESS = "address"
    CONTENT = "content"
    SUPPRESSION = "suppression"
    CAPS = "caps"
    QUIET_HOURS = "quiet_hours"
    ARBITRATION = "arbitration"


class Reason(StrEnum):
    """Why a decision came out as it did."""

    PASSED = "passed"
    NOMINATED = "nominated"
    INACTIVE = "inactive"
    NOT_YET_VALID = "not_yet_valid"
    NO_LONGER_VALID = "no_longer_valid"
    NO_TEST_PERSON = "no_test_person"
    CONDITION_NOT_MET = "condition_not_met"
    UNDER_WAY = "under_way"
    COOLDOWN = "cooldown"
    ENTERED_BEFORE = "entered_before"
    NO_KEY = "no_key"
    EXITED = "exited"
    VERSION_GONE = "version_gone"
    CONTROL_GROUP = "control_group"
    NO_CONSENT = "no_consent"
    NOT_SUBSCRIBED = "not_subscribed"
    CHANNEL_NOT_WANTED = "channel_not_wanted"
    NO_ADDRESS = "no_address"
    TEMPLATE_NOT_VALID = "template_not_valid"
    MISSING_DATA = "missing_data"
    WRONG_DATA = "wrong_data"
    SUPPRESSION_LIST = "suppression_list"
    SUPPRESSED = "suppressed"
    UNANSWERED = "unanswered"
    CAP = "cap"
    CHOSEN_FREQUENCY = "chosen_frequency"
    QUIET_HOURS = "quiet_hours"
    ANOTHER_MESSAGE = "another_message"
    RESERVED = "reserved"
    PROFILE_OVERFLOW = "profile_overflow"
    EXPIRED = "expired"


class Cause(msgspec.Struct, frozen=True, gc=False):
    """The event that a decision goes back to; or the time, where none came.

    Of a time, the type is `cjaas.time_passed` or `cjaas.scheduled`, the source names the journey, and the id
    is the time as text.
    """

    event_id: str
    source: str
    type: str
    time_us: int


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What was decided about one candidate action of one person.

    Attributes:
        decision_id: 32 hex digits, from what the decision is about.
        sequence: of the commit that it was made in, in milliseconds.
        gate: the gate that failed, None for an action that passed all.
        evidence: what was compared with what.
        change: what the decision did to contacts and journeys under way.
        action_id: of the action that passed all gates, sent or expired; None for all others.
        as_of_us: the event time at which it was decided.
    """

    decision_id: str
    workspace: str
    person_id: str
    shard: int
    sequence: int
    journey: str | None
    journey_version: int | None
    step: str | None
    outcome: Outcome
    reason: Reason
    gate: Gate | None
    evidence: dict[str, Any]
    change: dict[str, Any]
    cause: Cause
    action_id: str | None
    as_of_us: int
