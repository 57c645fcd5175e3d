"""Comparing decisions: pure counts over sets that are written by hand."""

from __future__ import annotations

import msgspec

from pipelines.backtest_report import is_alike, way_words
from pipelines.comparison import NO_JOURNEY, Alike, Compared, Counted, Persons, Told, compare


def sent(journey: str, person: str, decisions: int = 1) -> Told:
    return Told(journey, "sent", None, "passed", person, decisions)


def capped(journey: str, person: str, decisions: int = 1) -> Told:
    return Told(journey, "suppressed", "caps", "cap", person, decisions)


def test_actions_persons_and_reasons_are_counted_on_both_sides() -> None:
    would = [sent("a", "ann", 2), sent("a", "bob"), capped("a", "bob", 5)]
    was = [sent("a", "ann"), sent("a", "cid", 3), Told("a", "suppressed", "consent", "no_consent", "bob", 1)]
    expected = Compared(
        Counted(3, 4, -1),
        Counted(2, 2, 0),
        Persons(1, ["bob"]),
        Persons(1, ["cid"]),
        [
            Alike("suppressed", "consent", "no_consent", 0, 1, -1),
            Alike("suppressed", "caps", "cap", 5, 0, 5),
        ],
    )
    comparison = compare(would, was, ["a"])
    assert comparison.journeys == {"a": expected}
    assert comparison.total == expected


def test_whom_another_journey_reached_is_gained_by_one_and_not_by_all() -> None:
    comparison = compare([sent("b", "ann")], [sent("a", "ann")], ["b", "a"])
    assert list(comparison.journeys) == ["a", "b"]
    assert comparison.journeys["b"].gained == Persons(1, ["ann"])
    assert comparison.journeys["a"].lost == Persons(1, ["ann"])
    assert comparison.total.gained == comparison.total.lost == Persons(0, [])
    assert not is_alike(comparison)


def test_journeys_that_are_not_compared_count_nowhere() -> None:
    comparison = compare([sent("a", "ann"), sent("b", "bob")], [sent("b", "cid")], ["a"])
    assert list(comparison.journeys) == ["a"]
    assert comparison.total == comparison.journeys["a"]
    assert comparison.total.sent == Counted(1, 0, 1)


def test_a_journey_that_decided_nothing_is_told() -> None:
    comparison = compare([], [], ["a"])
    nothing = Counted(0, 0, 0)
    assert comparison.journeys == {"a": Compared(nothing, nothing, Persons(0, []), Persons(0, []), [])}


def test_refused_events_have_no_journey() -> None:
    told = Told(None, "suppressed", None, "profile_overflow", "ann", 2)
    assert compare([told], [], ["a"]).total.others == []
    comparison = compare([told], [], ["a", NO_JOURNEY])
    assert comparison.journeys[NO_JOURNEY].others == [Alike("suppressed", None, "profile_overflow", 2, 0, 2)]
    assert comparison.journeys["a"].others == []


def test_only_what_is_sent_reaches_a_person() -> None:
    ways = [
        ("rehearsed", None, "passed"),
        ("expired", None, "expired"),
        ("held_out", "control_group", "control_group"),
        ("suppressed", "reentry", "exited"),
        ("suppressed", "reentry", "cooldown"),
        ("suppressed", "validity", "inactive"),
        ("deferred", "quiet_hours", "quiet_hours"),
    ]
    comparison = compare([Told("a", *way, "ann", 1) for way in ways], [], ["a"])
    assert comparison.total.persons == comparison.total.sent == Counted(0, 0, 0)
    # Outcomes in their order, within one the gates in theirs, then reasons.
    assert [(way.outcome, way.gate, way.reason) for way in comparison.total.others] == [
        ("deferred", "quiet_hours", "quiet_hours"),
        ("suppressed", "validity", "inactive"),
        ("suppressed", "reentry", "cooldown"),
        ("suppressed", "reentry", "exited"),
        ("held_out", "control_group", "control_group"),
        ("expired", None, "expired"),
        ("rehearsed", None, "passed"),
    ]


def test_of_many_persons_the_first_are_named() -> None:
    comparison = compare([sent("a", person) for person in "dbeac"], [], ["a"])
    assert comparison.total.gained == Persons(5, ["a", "b", "c"])


def test_counts_that_agree_are_alike_only_if_the_persons_do() -> None:
    assert is_alike(
        compare([sent("a", "ann"), capped("a", "bob")], [sent("a", "ann"), capped("a", "bob")], "a")
    )
    assert not is_alike(compare([sent("a", "ann")], [sent("a", "bob")], "a"))
    assert not is_alike(compare([capped("a", "bob", 2)], [capped("a", "bob")], "a"))
    assert not is_alike(compare([sent("a", "ann", 2)], [sent("a", "ann")], "a"))


def test_ways_in_words() -> None:
    way = Alike("suppressed", "reentry", "exited", 1, 1, 0)
    assert way_words(way) == "suppressed at reentry: exited"
    assert way_words(msgspec.structs.replace(way, gate=None)) == "suppressed: exited"
    assert (
        way_words(Alike("held_out", "control_group", "control_group", 1, 1, 0)) == "held out at control_group"
    )
    assert way_words(Alike("rehearsed", None, "passed", 1, 1, 0)) == "rehearsed"
    assert way_words(Alike("expired", None, "expired", 1, 1, 0)) == "expired"
