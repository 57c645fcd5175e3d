"""`cjaas simulate`: what it shows, and what it says to input that it cannot use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from schemas.decision import Gate
from tests.journeys_page import journeys, write_events, write_shop
from tests.pipelines.command_line import SHOP, Done, cjaas, process, well
from tests.pipelines.golden import INPUT

CART = 'cart_added {"sku": "LAMP", "price": 25}'
ALL = ", ".join(Gate)
SENDS = f"sends remind by web: template reminder; {ALL} passed"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("simulate") / "shop"
    write_shop(directory, with_journeys=True)
    return directory


class Trial:
    """A journey called `trial` and events, in a folder of their own."""

    def __init__(self, folder: Path, shop: Path) -> None:
        self._shop = shop
        self.journey = folder / "trial.yaml"
        self.input = folder / "events.ndjson"

    def write(self, journey: str, events: Sequence[str]) -> None:
        if "steps:" not in journey:
            journey += "steps: [{send: remind, channel: web, template: reminder}]\n"
        self.journey.write_text(f"name: trial\nversion: 1\ncategory: operative\n{journey}")
        write_events(self.input, events)

    def run(self, *more: object) -> Done:
        words = ("--workspace", self._shop, "--journey", self.journey, "--input", self.input)
        return cjaas("simulate", *words, *more)

    def told(self, journey: str, events: Sequence[str], *more: object) -> list[str]:
        """The lines about the journey, each with the day and the time to the minute."""
        self.write(journey, events)
        done = self.run(*more)
        assert (done.code, done.err) == (0, "")
        lines = done.out.splitlines()[1:]
        return [f"{line[8:16]} {line.split('    trial ')[1]}" for line in lines if "    trial " in line]


@pytest.fixture
def trial(tmp_path: Path, shop: Path) -> Trial:
    return Trial(tmp_path, shop)


def test_an_event_may_come_at_the_very_time_of_a_wait(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added}
exit: [purchase]
steps:
  - wait: 1h
  - send: remind
    channel: web
    template: reminder
"""
    bought = 'purchase {"total": "1.00", "currency": "EUR"}'
    events = [
        f"2026-01-05T10:00:00Z {CART}",
        "2026-01-05T11:00:00Z login {}",
        f"2026-01-05T11:00:00Z {bought}",
    ]
    assert trial.told(journey, events) == [
        "05T10:00 begins",
        "05T10:00 waits 1h, until 2026-01-05T11:00:00Z",
        "05T11:00 ends before remind: an exit event ended the journey first "
        "(exit event e3; type purchase; time 2026-01-05T11:00:00Z)",
    ]


def test_ways_shares_and_waits_that_are_none(trial: Trial) -> None:
    journey = """\
entry: {event: visit_booked}
steps:
  - wait_until: {field: at, before: 1d}
  - wait_for: {condition: {attribute: last_seen, op: exists}}
    timeout: 1d
  - branch:
      - {if: {attribute: spend, op: gt, value: 5}, steps: [{exit: true}]}
  - branch:
      - if: {any: [{attribute: spend, op: gt, value: 5}, {not: {attribute: last_seen, op: exists}}]}
        steps: [{exit: true}]
      - steps: [{wait: 30m}]
  - branch:
      - if: {all: [{field: at, op: exists}, {any: [{field: at, op: exists}, {attribute: spend, op: exists}]}]}
        steps: [{wait: 30m}]
  - {send: remind, channel: web, template: reminder}
  - split: half
    shares: [{name: all, percent: 100, steps: [{exit: true}]}]
"""
    events = ['2026-01-05T10:00:00Z visit_booked {"at": "2026-01-05T12:00:00Z"}']
    assert trial.told(journey, events, "--as-of", "2026-01-06") == [
        "05T10:00 begins",
        "05T10:00 does not wait: at is over, or the event does not have it",
        "05T10:00 does not wait: its condition holds already",
        "05T10:00 takes no way of its branch",
        "05T10:00 takes way 2 of its branch: the others do not hold",
        "05T10:00 waits 30m, until 2026-01-05T10:30:00Z",
        "05T10:30 goes on: its wait is over",
        "05T10:30 takes way 1 of its branch: at exists and (at exists or spend exists)",
        "05T10:30 waits 30m, until 2026-01-05T11:00:00Z",
        "05T11:00 goes on: its wait is over",
        f"05T11:00 {SENDS}",
        "05T11:00 falls into share all of half",
        "05T11:00 ends: it exits",
    ]


def test_a_run_that_leaves_no_decision_is_told_all_the_same(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added}
steps:
  - split: half
    shares: [{name: all, percent: 100, steps: [{exit: true}]}]
  - {send: remind, channel: web, template: reminder}
"""
    assert trial.told(journey, [f"2026-01-05T10:00:00Z {CART}"]) == [
        "05T10:00 begins",
        "05T10:00 falls into share all of half",
        "05T10:00 ends: it exits",
    ]


def test_what_ends_a_wait_for_something(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added}
steps:
  - wait_for: {event: [purchase, login]}
    timeout: 1h
  - wait_for: {condition: {all: [{attribute: spend, op: ge, value: 5}, {attribute: activity, op: exists}]}}
    timeout: 1d
    then: [{wait_for: {event: login}, timeout: 2h}]
"""
    journey += "  - {send: remind, channel: web, template: reminder}\n"
    bought = 'purchase {"total": "9.00", "currency": "EUR"}'
    events = [
        f"2026-01-05T10:00:00Z {CART}",
        "2026-01-05T10:10:00Z login {}",
        f"2026-01-05T10:20:00Z {bought}",
    ]
    condition = "spend >= 5 and activity exists"
    assert trial.told(journey, events, "--as-of", "2026-01-06") == [
        "05T10:00 begins",
        "05T10:00 waits for purchase or login, until 2026-01-05T11:00:00Z at most",
        "05T10:10 goes on: login e2 came",
        f"05T10:10 waits for {condition}, until 2026-01-06T10:10:00Z at most",
        "05T10:20 goes on: its condition holds",
        "05T10:20 waits for login, until 2026-01-05T12:20:00Z at most",
        "05T12:20 goes on: its wait timed out",
        f"05T12:20 {SENDS}",
        "05T12:20 ends",
    ]


def test_waits_that_are_not_over_are_pending(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added, reentry: always}
steps:
  - wait: 1d
  - {send: remind, channel: web, template: reminder}
"""
    events = [f"2026-01-05T10:00:00Z {CART}", f"2026-01-05T12:00:00Z {CART}"]
    told = trial.told(journey, events)
    assert told[-2:] == [
        "05T12:00 of e1 still waits 1d, until 2026-01-06T10:00:00Z",
        "05T12:00 of e2 still waits 1d, until 2026-01-06T12:00:00Z",
    ]
    assert len(told) == 6
    told = trial.told(journey, events, "--as-of", "2026-01-06T11:00:00Z")
    assert told[-1] == "06T11:00 of e2 still waits 1d, until 2026-01-06T12:00:00Z"
    assert sum("still" in line for line in told) == 1


def test_a_run_begins_anew(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added, reentry: restart}
steps:
  - wait: 1d
  - {send: remind, channel: web, template: reminder}
"""
    # The later event's id comes first: what goes on is told before what begins all the same.
    assert trial.told(journey, [f"2026-01-05T12:00:00Z {CART}", f"2026-01-05T10:00:00Z {CART}"]) == [
        "05T10:00 begins",
        "05T10:00 waits 1d, until 2026-01-06T10:00:00Z",
        "05T12:00 ends: it begins anew",
        "05T12:00 begins",
        "05T12:00 waits 1d, until 2026-01-06T12:00:00Z",
        "05T12:00 still waits 1d, until 2026-01-06T12:00:00Z",
    ]


def test_why_a_run_does_not_begin(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added, reentry: once}
steps:
  - wait: 1h
  - {send: remind, channel: web, template: reminder}
"""
    events = [f"2026-01-05T{hour}:00Z {CART}" for hour in ("10:00", "10:30", "12:00")]
    refused = [line for line in trial.told(journey, events) if "not begin" in line]
    assert refused == [
        "05T10:30 does not begin: reentry failed: the person is on this journey already "
        "(waits until 2026-01-05T11:00:00Z)",
        "05T12:00 does not begin: reentry failed: the person had entered the journey before, and it is "
        "entered once (entered 2026-01-05T10:00:00Z)",
    ]


def test_gates_are_told_in_order_up_to_the_one_that_failed(trial: Trial) -> None:
    journey = """\
entry: {event: cart_added, cooldown: 1d}
condition: {attribute: items_in_cart, op: exists}
valid: {from: 2026-01-05T10:30:00Z}
"""
    events = [f"2026-01-05T{hour}:00Z {CART}" for hour in ("10:00", "11:00", "12:00")]
    sent = [line for line in trial.told(journey, events) if "send" in line]
    assert sent == [
        "05T10:00 does not send remind: validity failed: the journey is not valid yet "
        "(valid from 2026-01-05T10:30:00Z)",
        f"05T11:00 {SENDS}",
        "05T12:00 does not send remind: validity, condition passed, reentry failed: its cooldown was not "
        "over (last sent 2026-01-05T11:00:00Z; cooldown until 2026-01-06T11:00:00Z)",
    ]


def test_what_time_may_begin_is_pending(trial: Trial) -> None:
    journey = "entry: {condition: {not: {attribute: last_seen, op: within, value: 2h}}}\n"
    events = ["2026-01-05T10:00:00Z login {}"]
    assert trial.told(journey, events) == [
        "05T10:00 may begin at 2026-01-05T12:00:00.000001Z, as its condition may change then"
    ]
    assert (
        "begins as time passes: its condition holds"
        in trial.told(journey, events, "--as-of", "2026-01-06")[0]
    )
    trial.write(journey, events)
    assert "nothing enters" not in trial.run().out
    journey = 'entry: {schedule: {at: "10:00"}}\n'
    assert trial.told(journey, ["2026-01-05T10:00:00Z login {}"]) == [
        "05T10:00 may begin at 2026-01-06T09:00:00Z, by its schedule"
    ]
    journey = "entry: {condition: {attribute: activity, op: ge, value: 1}}\n"
    assert "05T10:00 begins: its condition holds" in trial.told(journey, events)


def test_copies_and_late_events_are_told(trial: Trial) -> None:
    event = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "login", "data": {},
             "time": "2026-01-05T10:00:00Z", "identity": "ann", "identitytype": "customer"}  # fmt: skip
    other = {**event, "id": "e2"}
    late = {**event, "id": "e3", "publishtime": "2026-01-07T10:00:00Z"}
    conflict = {**other, "data": {"device": "phone"}}
    trial.write("entry: {event: cart_added}\n", [])
    trial.input.write_text("".join(json.dumps(item) + "\n" for item in (event, event, other, conflict, late)))
    lines = trial.run().out.splitlines()
    assert lines[0].endswith("): 5 events as of 2026-01-07T10:00:00Z")
    assert sum(line.endswith("(not folded: it was before)") for line in lines) == 1
    assert (
        sum(line.endswith("(not folded: another event of its source and id was before)") for line in lines)
        == 1
    )
    assert lines[-2] == "2026-01-05T10:00:00Z  login e3 (not folded: it was published too late)"
    assert lines[-1] == "2026-01-07T10:00:00Z    nothing enters a journey"


def test_events_after_the_as_of_time_are_left_out(trial: Trial) -> None:
    trial.write("entry: {event: cart_added}\n", [f"2026-01-05T1{hour}:00:00Z {CART}" for hour in (0, 1, 2)])
    lines = trial.run("--as-of", "2026-01-05T11:00:00Z").out.splitlines()
    assert lines[0].endswith("): 2 events as of 2026-01-05T11:00:00Z, 1 later left out")
    assert sum("cart_added e" in line for line in lines) == 2


def test_what_an_event_says_stays_in_its_line(trial: Trial) -> None:
    name = "\x1b[31m\nmore [bold]" + "x" * 100
    trial.write("entry: {event: cart_added}\n", [
        f'2026-01-05T10:00:00Z customer_registered {json.dumps({"name": name})}'
    ])  # fmt: skip
    done = trial.run()
    assert done.out.count("\n") == 3
    assert "name \N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}more [bold]xxx" in done.out
    assert "x" * 60 not in done.out
    assert "x" * 100 in trial.run("--json").out


def test_all_journeys_of_the_workspace_run_without_one(shop: Path, tmp_path: Path) -> None:
    write_events(tmp_path / "events.ndjson", ['2026-01-05T10:00:00Z cart_added {"sku": "LAMP", "price": 25}'])
    done = well("simulate", "--workspace", shop, "--input", tmp_path / "events.ndjson")
    begun = [line.split()[1] for line in done.out.splitlines() if line.endswith(" begins")]
    assert begun == ["cart_then_silence", "second_cart", "two_reminders"]


def test_a_journey_stands_in_for_the_workspaces_of_its_name(shop: Path, tmp_path: Path) -> None:
    write_events(tmp_path / "events.ndjson", ['2026-01-05T10:00:00Z customer_registered {"name": "Ann"}'])
    (tmp_path / "welcome.yaml").write_text(
        journeys()["welcome"].replace("template: welcome", "template: other")
    )
    words = ("simulate", "--workspace", shop, "--input", tmp_path / "events.ndjson")
    assert "template welcome" in well(*words).out
    assert "template other" in well(*words, "--journey", tmp_path / "welcome.yaml").out


def write_people(path: Path, number: int) -> None:
    lines = [
        {"specversion": "1.0", "id": f"e{index}", "source": "/shop", "type": "login", "data": {},
         "time": "2026-01-05T10:00:00Z", "identity": f"c{index}", "identitytype": "customer"}
        for index in range(number)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_of_many_persons_some_are_shown_and_one_can_be_named(shop: Path, tmp_path: Path) -> None:
    write_people(tmp_path / "events.ndjson", 23)
    words = ("simulate", "--workspace", shop, "--input", tmp_path / "events.ndjson")
    out = well(*words).out
    assert out.endswith("\n\n3 more persons are not shown; name one with --person\n")
    assert out.count("(person ") == 20
    out = well(*words, "--person", "customer:c22").out
    assert out.startswith("customer:c22 (person ")
    assert out.count("(person ") == 1
    assert well(*words, "--person", out.split("(person ")[1][:32]).out == out


def test_an_identity_names_who_was_seen_with_it(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    write_events(path, [f'2026-01-05T10:00:00Z {CART[:-1]}, "email": "ann@example.com"}}'])
    words = ("simulate", "--workspace", shop, "--input", path)
    by_address = well(*words, "--person", "email:Ann@example.com").out
    assert by_address.startswith("customer:ann, email:ann@example.com (person ")
    assert by_address == well(*words, "--person", "customer:ann").out
    path.write_text(path.read_text() + path.read_text().replace('"ann"', '"bob"').replace('"e1"', '"e2"'))
    done = cjaas(*words, "--person", "email:ann@example.com")
    assert done.code == 1
    assert "email:ann@example.com was seen with 2 persons: " in done.err


def test_beam_warns_of_nothing_on_the_screen() -> None:
    done = process("simulate", "--workspace", SHOP, "--input", INPUT, "--person", "customer:C1")
    assert (done.code, done.err) == (0, "")
    assert "appointment A1 sends open_the_room by walk_in" in done.out


def test_json_gives_whole_decisions_and_messages(trial: Trial) -> None:
    trial.write("entry: {event: cart_added, cooldown: 1d}\n", [
        f"2026-01-05T10:00:00Z {CART}", f"2026-01-05T11:00:00Z {CART}"
    ])  # fmt: skip
    done = trial.run("--json")
    rows: list[dict[str, Any]] = done.lines()
    kinds = [row["kind"] for row in rows]
    run = ["event", "begun", "{}", "ended"]
    assert kinds[:2] == ["input", "person"]
    assert kinds[2:] == [kind.format(sent) for sent in ("sent", "not_sent") for kind in run]
    sent, not_sent = rows[4], rows[8]
    assert sent["action"]["template"] == "reminder"
    assert sent["action"]["action_id"] == sent["decision"]["action_id"]
    assert sent["passed"] == list(Gate)
    assert not_sent["decision"]["reason"] == "cooldown"
    assert not_sent["passed"] == ["validity", "condition"]
    assert trial.run("--json").out == done.out


def test_what_is_no_event_is_told_in_a_line(trial: Trial) -> None:
    trial.write("entry: {event: cart_added}\n", [f"2026-01-05T10:00:00Z {CART}"])
    with trial.input.open("a") as stream:
        stream.write('{"type": "login"}\nnothing\n')
    lines = trial.run().out.splitlines()
    assert lines[0].startswith("2 of 3 messages are no events and left out, the first one events.ndjson@")
    assert "missing_attribute" in lines[0]
    assert trial.run("--json").lines()[0]["refused"] == 2


@pytest.mark.parametrize(
    ("text", "more", "code", "message"),
    [
        ("", (), 1, "expected events, found none"),
        ("nothing\n", (), 1, "events.ndjson@0: expected an event, found invalid_json: payload: expected"),
        (None, (), 1, "events.ndjson: no such file; check the path given to --input"),
        ("ok", ("--person", "customer:bob"), 1, "nobody has the identity customer:bob; no event of"),
        ("ok", ("--person", "0" * 32), 1, "nobody has the id 000"),
        ("ok", ("--person", "mail:ann"), 2, "mail:ann: expected a namespace of customer, email, "),
        ("ok", ("--person", "ann"), 2, "expected an identity such as email:ann@example.com"),
        ("ok", ("--journey", "missing.yaml"), 1, "missing.yaml:1: expected the file of a journey, "),
        ("ok", ("--journey", "."), 1, "expected the file of a journey, found a directory"),
        ("ok", ("--as-of", "soon"), 2, "expected an RFC 3339 timestamp"),
    ],
)
def test_input_that_it_cannot_use_is_told_in_a_line(
    trial: Trial, text: str | None, more: tuple[str, ...], code: int, message: str
) -> None:
    trial.write("entry: {event: cart_added}\n", [f"2026-01-05T10:00:00Z {CART}"])
    if text is None:
        trial.input.unlink()
    elif text != "ok":
        trial.input.write_text(text)
    done = trial.run(*more)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_mistakes_of_the_journey_are_told_with_their_lines(trial: Trial) -> None:
    trial.write("entry: {event: cart_added}\nexit: [purchased]\n", [f"2026-01-05T10:00:00Z {CART}"])
    done = trial.run()
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        f"cjaas: {trial.journey}:5: exit[0]: expected a known event type, found 'purchased'; "
        "did you mean purchase?\n"
    )
