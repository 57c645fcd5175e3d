"""Rulings: the ways in which a candidate action comes out of its gates."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.decision import Gate, Outcome, Reason


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """One of the ways in which a candidate comes out.

    Attributes:
        trace: outcome and reason as they enter the id of a decision.
    """

    outcome: Outcome
    reason: Reason
    gate: Gate | None
    trace: str


def _ruling(reason: Reason, gate: Gate | None, outcome: Outcome = Outcome.SUPPRESSED) -> Ruling:
    return Ruling(outcome, reason, gate, f"{outcome.value}\x1f{reason.value}")


PASSED = _ruling(Reason.PASSED, None, Outcome.SENT)
NOMINATED = _ruling(Reason.NOMINATED, None, Outcome.SENT)
REHEARSED = _ruling(Reason.PASSED, None, Outcome.REHEARSED)
INACTIVE = _ruling(Reason.INACTIVE, Gate.VALIDITY)
NOT_YET_VALID = _ruling(Reason.NOT_YET_VALID, Gate.VALIDITY)
NO_LONGER_VALID = _ruling(Reason.NO_LONGER_VALID, Gate.VALIDITY)
NO_TEST_PERSON = _ruling(Reason.NO_TEST_PERSON, Gate.VALIDITY)
CONDITION_NOT_MET = _ruling(Reason.CONDITION_NOT_MET, Gate.CONDITION)
UNDER_WAY = _ruling(Reason.UNDER_WAY, Gate.REENTRY)
COOLDOWN = _ruling(Reason.COOLDOWN, Gate.REENTRY)
ENTERED_BEFORE = _ruling(Reason.ENTERED_BEFORE, Gate.REENTRY)
NO_KEY = _ruling(Reason.NO_KEY, Gate.REENTRY)
EXITED = _ruling(Reason.EXITED, Gate.REENTRY)
VERSION_GONE = _ruling(Reason.VERSION_GONE, None)
CONTROL_GROUP = _ruling(Reason.CONTROL_GROUP, Gate.CONTROL_GROUP, Outcome.HELD_OUT)
NO_CONSENT = _ruling(Reason.NO_CONSENT, Gate.CONSENT)
NOT_SUBSCRIBED = _ruling(Reason.NOT_SUBSCRIBED, Gate.PREFERENCE)
CHANNEL_NOT_WANTED = _ruling(Reason.CHANNEL_NOT_WANTED, Gate.PREFERENCE)
NO_ADDRESS = _ruling(Reason.NO_ADDRESS, Gate.ADDRESS)
TEMPLATE_NOT_VALID = _ruling(Reason.TEMPLATE_NOT_VALID, Gate.CONTENT)
MISSING_DATA = _ruling(Reason.MISSING_DATA, Gate.CONTENT)
WRONG_DATA = _ruling(Reason.WRONG_DATA, Gate.CONTENT)
SUPPRESSION_LIST = _ruling(Reason.SUPPRESSION_LIST, Gate.SUPPRESSION)
SUPPRESSED = _ruling(Reason.SUPPRESSED, Gate.SUPPRESSION)
UNANSWERED = _ruling(Reason.UNANSWERED, Gate.SUPPRESSION)
CAP = _ruling(Reason.CAP, Gate.CAPS)
CHOSEN_FREQUENCY = _ruling(Reason.CHOSEN_FREQUENCY, Gate.CAPS)
QUIET_HOURS = _ruling(Reason.QUIET_HOURS, Gate.QUIET_HOURS)
DEFERRED = _ruling(Reason.QUIET_HOURS, Gate.QUIET_HOURS, Outcome.DEFERRED)
ANOTHER_MESSAGE = _ruling(Reason.ANOTHER_MESSAGE, Gate.ARBITRATION)
RESERVED = _ruling(Reason.RESERVED, Gate.ARBITRATION)
PROFILE_OVERFLOW = _ruling(Reason.PROFILE_OVERFLOW, None)


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """How a candidate came out of its gates, and why.

    Attributes:
        channel: the one to send through; "" for a candidate that is not sent.
        address: where; None where the channel looks it up itself.
        language: of the template's the one that the person wants, or what they want; None for none.
        until_us: when a deferred candidate passes all gates again.
    """

    ruling: Ruling
    evidence: dict[str, Any]
    channel: str = ""
    address: str | None = None
    language: str | None = None
    until_us: int = 0
