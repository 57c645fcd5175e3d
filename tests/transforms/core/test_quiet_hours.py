"""Not at night: quiet hours by the clocks of the workspace and of the person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.timestamps import DAY_US, MINUTE_US, parse_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.policy import SOLICITING, Cap, QuietHours
from tests.fold_events import START_US, at
from tests.journeys import JOURNEY, SENT, actions_of, event, reasons
from tests.transforms.core.policy import cart, person, policy, reason

NIGHT = QuietHours(21 * 60, 8 * 60, True, SOLICITING)


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        ("2026-03-01T19:59:59Z", False),
        ("2026-03-01T20:00:00Z", True),
        ("2026-03-02T06:59:59Z", True),
        ("2026-03-02T07:00:00Z", False),
        ("2026-07-01T19:00:00Z", True),
        ("2026-07-01T18:59:00Z", False),
    ],
)
def test_quiet_hours_go_by_the_workspace_s_clocks(workspace: Workspace, now: str, quiet: bool) -> None:
    """Berlin is an hour ahead of UTC, in summer two."""
    minutes = (parse_rfc3339(now) - START_US) / MINUTE_US
    someone = person(workspace, policy(quiet_hours=(NIGHT,)))
    assert reasons(cart(someone, minutes)) == [("deferred", "quiet_hours", "quiet_hours") if quiet else SENT]


def test_quiet_hours_go_by_the_person_s_clocks(workspace: Workspace) -> None:
    for zone, outcome in (
        ("America/New_York", "passed"),
        ("Asia/Tokyo", "quiet_hours"),
        ("Nowhere", "passed"),
    ):
        someone = person(workspace, policy(quiet_hours=(NIGHT,)))
        someone.decide(event(someone, "preference.changed", 0, time_zone=zone))
        assert reason(cart(someone, 90)) == outcome


def test_a_deferred_message_comes_after_the_quiet_hours_spread(workspace: Workspace) -> None:
    times = set()
    for number in range(20):
        someone = person(workspace, policy(quiet_hours=(NIGHT,)), person_id=f"{number:032x}")
        [deferred] = cart(someone, 60 * 10)
        assert deferred.change == {"run": "deferred"}
        [action] = actions_of(someone.advance([], at(60 * 48)))
        assert "2026-03-02T07:00:00Z" <= action["decided_at"] < "2026-03-02T07:10:00Z"
        times.add(action["decided_at"])
        assert someone.image()["journeys"] == {}
    assert len(times) == 20


def test_a_deferred_message_passes_all_gates_again(workspace: Workspace) -> None:
    someone = person(workspace, policy(quiet_hours=(NIGHT,), caps=(Cap("all", 1, DAY_US),)))
    assert reason(cart(someone, 60 * 10)) == "quiet_hours"
    withdrawn = replace(JOURNEY, condition=Test(Subject("attribute", "spend"), Op.EXISTS, False))
    bought = person(workspace, policy(quiet_hours=(NIGHT,)), withdrawn)
    cart(bought, 60 * 10)
    bought.decide(event(bought, "purchase", 60 * 11))
    assert reasons(bought.advance([], at(60 * 48)).commit.outbox.decisions) == [
        ("suppressed", "condition_not_met", "condition")
    ]


def test_quiet_hours_may_drop_and_a_person_may_have_their_own(workspace: Workspace) -> None:
    dropping = replace(NIGHT, defers=False)
    someone = person(workspace, policy(quiet_hours=(dropping,)))
    assert reasons(cart(someone, 60 * 10)) == [("suppressed", "quiet_hours", "quiet_hours")]
    assert someone.image()["journeys"] == {}
    own = person(workspace, policy(quiet_hours=(dropping,)))
    own.decide(event(own, "preference.changed", 0, quiet_from="12:00", quiet_until="15:00"))
    assert reasons(cart(own, 60)) == [("deferred", "quiet_hours", "quiet_hours")]
    [action] = actions_of(own.advance([], at(60 * 9)))
    assert action["decided_at"] >= "2026-03-01T14:00:00Z"
