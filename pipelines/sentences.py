"""Decisions in words."""

from __future__ import annotations

from typing import Any

from schemas.decision import Decision, Outcome, Reason
from schemas.duration import format_duration
from schemas.timestamps import format_rfc3339

_BECAUSE = {
    Reason.PASSED: "it passed every gate",
    Reason.NOMINATED: "the person wants them to be told as well",
    Reason.INACTIVE: "the journey is not active",
    Reason.NOT_YET_VALID: "the journey is not valid yet",
    Reason.NO_LONGER_VALID: "the journey is no longer valid",
    Reason.NO_TEST_PERSON: "the journey is on test, and the person is no test person",
    Reason.CONDITION_NOT_MET: "its condition did not hold",
    Reason.UNDER_WAY: "the person is on this journey already",
    Reason.COOLDOWN: "its cooldown was not over",
    Reason.ENTERED_BEFORE: "the person had entered the journey before, and it is entered once",
    Reason.NO_KEY: "the event has no value for the journey's key",
    Reason.EXITED: "an exit event ended the journey first",
    Reason.VERSION_GONE: "the version of the journey that the person entered is gone",
    Reason.CONTROL_GROUP: "the person belongs to a control group",
    Reason.NO_CONSENT: "the person has not consented",
    Reason.NOT_SUBSCRIBED: "the person is not subscribed to the use case",
    Reason.CHANNEL_NOT_WANTED: "the person does not want to be reached through its channels",
    Reason.NO_ADDRESS: "the person has no address for the channel",
    Reason.TEMPLATE_NOT_VALID: "its template is not valid at this time",
    Reason.MISSING_DATA: "there is nothing to fill its template with",
    Reason.WRONG_DATA: "what fills its template is of another kind",
    Reason.SUPPRESSION_LIST: "the person is on a suppression list",
    Reason.SUPPRESSED: "a rule suppresses it",
    Reason.UNANSWERED: "the person has not answered the last messages",
    Reason.CAP: "the person had as many messages as a cap allows",
    Reason.CHOSEN_FREQUENCY: "the person had as many messages this week as they want",
    Reason.QUIET_HOURS: "these are quiet hours for the person",
    Reason.ANOTHER_MESSAGE: "the person had another commercial message within the arbitration window",
    Reason.RESERVED: "a journey of higher priority is due soon",
    Reason.EXPIRED: "it passed every gate, but had expired before it could be published",
    Reason.PROFILE_OVERFLOW: "the person's profile is full, so the event was not folded",
}
_OPS = {
    "eq": "=", "ne": "is not", "gt": ">", "ge": ">=", "lt": "<", "le": "<=",
    "in": "in", "contains": "contains", "within": "within",
}  # fmt: skip


def sentence(decision: Decision) -> str:
    """One decision as a sentence: when, what became of what, why, and what it goes back to."""
    cause = decision.cause
    origin = f"It goes back to {cause.type} {cause.event_id} from {cause.source} at {_time(cause.time_us)}."
    if decision.journey is None:
        subject = f"an event of person {decision.person_id} was refused"
    elif decision.outcome is Outcome.SENT:
        whom = "a nominee of person" if decision.reason is Reason.NOMINATED else "person"
        subject = (
            f"journey {decision.journey} (version {decision.journey_version}) sent step {decision.step} "
            f"to {whom} {decision.person_id} as action {decision.action_id}"
        )
    else:
        subject = (
            f"journey {decision.journey} (version {decision.journey_version}) did not send step "
            f"{decision.step} to person {decision.person_id}"
            f"{f' as action {decision.action_id}' if decision.action_id else ''} "
            f"({decision.outcome.replace('_', ' ')}{f' at gate {decision.gate}' if decision.gate else ''})"
        )
    return f"{_time(decision.as_of_us)}: {subject}, because {because(decision)}. {origin}"


def because(decision: Decision) -> str:
    """Why a decision came out as it did, with its evidence."""
    shown = "; ".join(_evidence(decision.evidence))
    return f"{_BECAUSE[decision.reason]}{f' ({shown})' if shown else ''}"


def reason_words(reason: Reason) -> str:
    """Why something came out as it did, without evidence."""
    return _BECAUSE[reason]


def tested(name: str, op: str, value: Any) -> str:
    """A test, such as `price >= 20`."""
    if op == "exists":
        return f"{name} {'does not exist' if value is False else 'exists'}"
    return f"{name} {_OPS[op]} {format_duration(value) if op == 'within' else value_words(value)}"


def _time(time_us: int) -> str:
    return format_rfc3339(time_us).replace(".000000Z", "Z")


def _evidence(evidence: dict[str, Any]) -> list[str]:
    shown = []
    for key, value in evidence.items():
        if key == "condition":
            shown += [_test(test) for test in value]
        else:
            shown.append(f"{key.replace('_', ' ')} {value}")
    return shown


def _test(test: dict[str, Any]) -> str:
    name = test.get("attribute") or test["field"]
    if "table" in test:
        name = f"{test['column']} in {test['table']} by {name}"
    asked = tested(name, test["op"], test["value"])
    told = f"{'yes' if test['holds'] else 'no'}, found {value_words(test['found'])}"
    return f"{'not ' if test.get('not') else ''}{asked}: {told}"


def value_words(value: Any) -> str:
    """A value of an event or an attribute."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {value_words(part)}" for key, part in value.items())
    return ", ".join(map(value_words, value)) if isinstance(value, list | tuple) else str(value)
