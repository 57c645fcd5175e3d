"""Journeys of every kind of step in a running job, and the same journeys in a bounded job.

Where events arrive in the order of their publish times, and between two of them the watermark, both decide
the same and send the same bytes. What differs is an action's `sequence`, the number of its commit: a running
job commits as events come, a bounded one at its end.

Where an event is delivered after the end of a wait that it would have changed, they differ lawfully: a
running job decides in the order of its commits and takes nothing back, a bounded one in the order of event
times. One test delivers an event so late, and says what each job makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.decision import Decision, Outcome
from schemas.workspace import Workspace, load_workspace
from tests.journeys_page import Example, examples, write_shop
from tests.transforms.streamed import Line, Place, Told, Until, bounded, in_order, shortened, streamed
from tests.workspaces import PROFILES, SETTINGS, small_workspace
from transforms.core.plan import Plan

PAGE = {example.name: example for example in examples()}
CART = {"sku": "LAMP", "price": 25}
ORDER = {"total": "120.00", "currency": "EUR"}
WAITS = """
name: waits
version: 1
category: commercial
entry: {event: cart_added}
exit: [purchase]
steps:
  - wait: 1h
  - {send: remind, channel: web, template: reminder}
"""
WAITS_FOR = """
name: waits_for
version: 1
category: commercial
entry: {event: cart_added}
steps:
  - wait_for: {event: purchase}
    timeout: 1h
    then: [{send: thank, channel: web, template: thanks}]
    else: [{send: remind, channel: web, template: reminder}]
"""
MANY_STEPS = """
name: many_steps
version: 1
category: commercial
entry: {event: probe, where: {field: label, op: exists}, key: label, cooldown: 1h}
exit: [{event: call_wrapped, key: reason}, {event: login, where: {field: device, op: eq, value: kiosk}}]
steps:
  - update: stage
    to: {field: label}
  - wait_until: {field: seen_at, before: 30m}
  - branch:
      - if: {attribute: items_in_cart, op: exists}
        steps:
          - wait_for: {condition: {not: {attribute: last_seen, op: within, value: 2h}}}
            timeout: 5h
            then:
              - {send: nudge, channel: web, template: nudge, data: {stage: {attribute: stage}}}
            else:
              - exit: true
      - if: {field: number, op: lt, value: 3}
        steps:
          - wait_for: {event: purchase}
            timeout: 3h
            then: [{send: thank, channel: web, template: thanks, data: {spend: {attribute: spend}}}]
  - split: halves
    shares:
      - {name: soon, percent: 50, steps: [{wait: 10m}]}
      - {name: morning, percent: 50, steps: [{wait_until: "09:00"}]}
  - {send: last, channel: [email, web], template: last}
"""
SILENT = """
name: silent
version: 1
category: commercial
entry: {condition: {not: {attribute: last_seen, op: within, value: 30m}}}
steps:
  - {send: ask, channel: web, template: question}
"""
DAILY = """
name: daily
version: 1
category: commercial
entry: {schedule: {at: "10:00"}, condition: {attribute: items_in_cart, op: exists}}
steps:
  - {send: offer, channel: web, template: offer}
"""
KEYED = """
name: keyed
version: 1
category: commercial
entry: {event: probe, key: label}
exit: [{event: call_wrapped, key: reason}]
steps:
  - wait: 1h
  - {send: tell, channel: web, template: news, data: {label: {field: label}}}
"""
QUIET = 'quiet_hours: [{from: "21:00", until: "08:00", then: defer}]\n'


def shop(directory: Path, *journeys: str, settings: str = SETTINGS) -> Workspace:
    """The small shop with these journeys alone."""
    named = {text.split()[1]: text for text in journeys}
    profiles = PROFILES + "written: [{name: stage, kind: text}]\n"
    return small_workspace(directory / "shop", settings=settings, profiles=profiles, journeys=named)


def decided(place: Place) -> list[Decision]:
    """All that a decision says, but the number of its commit."""
    plain = [replace(decision, sequence=0) for decision in place.decisions()]
    return sorted(plain, key=lambda decision: decision.decision_id)


def both(workspace: Workspace, events: Sequence[Told], *watermarks: str) -> list[Line]:
    """What a running job decides as the watermark passes events and times; a bounded one decides it, too."""
    live = streamed(workspace, in_order([*events, *map(Until, watermarks)]))
    batch = bounded(workspace, events, watermarks[-1])
    assert decided(live) == decided(batch)
    assert live.bodies() == batch.bodies()
    assert len(live.bodies()) == len([each for each in decided(live) if each.outcome is Outcome.SENT])
    assert len(live.settled) == len(events)
    return live.lines()


@pytest.mark.parametrize("example", PAGE.values(), ids=PAGE)
def test_the_journeys_of_the_docs(tmp_path: Path, example: Example) -> None:
    directory = tmp_path / "shop"
    write_shop(directory)
    (directory / "journeys" / f"{example.name}.yaml").write_text(example.text)
    events = []
    for line in example.events:
        time, event_type, data = line.split(" ", 2)
        events.append(Told(shortened(time), event_type, json.loads(data)))
    as_of = events[-1].time if example.as_of is None else shortened(example.as_of)
    assert both(load_workspace(directory, {}), events, as_of)


def some_events(random: Random) -> list[Told]:
    """Events of three persons in two days, at different times, in any order."""
    events = []
    for minute in random.sample(range(2 * 24 * 60), 30):
        day, time = 5 + minute // 1440, f"{minute // 60 % 24:02}:{minute % 60:02}"
        data: dict[str, dict[str, Any]] = {
            "cart_added": CART,
            "purchase": ORDER,
            "login": {"device": random.choice(["phone", "kiosk"])},
            "call_wrapped": {"reason": random.choice("ab")},
            "probe": {
                "label": random.choice("ab"),
                "number": random.randrange(6),
                "seen_at": f"2026-01-{day:02}T{random.randrange(24):02}:00:00Z",
            },
        }
        event_type = random.choice(list(data))
        who = f"customer:{random.choice('abc')}"
        events.append(Told(f"01-{day:02}T{time}", event_type, data[event_type], who=who))
    return events


@pytest.mark.parametrize("seed", range(2))
def test_all_steps_and_gates_at_once(tmp_path: Path, seed: int) -> None:
    rules = QUIET + "caps: [{limit: 3, window: 1d}]\narbitration: {window: 2h, reserve: 30m}\n"
    journeys = (WAITS, WAITS_FOR, MANY_STEPS, SILENT, DAILY, KEYED)
    workspace = shop(tmp_path, *journeys, settings=SETTINGS + rules)
    events = some_events(Random(seed))
    lines = both(workspace, events, "01-08T12:00")
    assert {line.outcome for line in lines} == {"sent", "deferred", "suppressed"}
    assert {line.what.partition("/")[0] for line in lines} == {text.split()[1] for text in journeys}


def test_a_wait_ends_soon_after_the_watermark_has_passed_it(tmp_path: Path) -> None:
    watermarks = ("01-05T09:30", "01-05T09:59:59.999", "01-05T10:00:09.999", "01-05T10:00:10", "01-05T12:00")
    lines = both(shop(tmp_path, WAITS), [Told("01-05T09:00", "cart_added", CART)], *watermarks)
    assert lines == [Line("01-05T10:00:10", "waits/remind", "sent", "passed", "01-05T10:00")]


def test_events_of_the_shard_end_a_wait_that_the_watermark_has_passed_and_no_other(tmp_path: Path) -> None:
    """At three seconds to ten the wall clock is past ten, and the watermark is not."""
    workspace = shop(tmp_path, WAITS, settings=SETTINGS.replace("shards: 4", "shards: 1"))
    times = ("01-05T09:59:57", "01-05T10:00:02")
    logins = [Told(time, "login", who="customer:bob") for time in times]
    lines = both(workspace, [Told("01-05T09:00", "cart_added", CART), *logins], "01-05T12:00")
    assert lines == [Line("01-05T10:00:02", "waits/remind", "sent", "passed", "01-05T10:00")]


@pytest.mark.parametrize(
    ("ordered", "seen", "step", "as_of"),
    [
        ("01-05T09:59:59.999", "01-05T09:59:59.999", "thank", "01-05T09:59:59.999"),
        ("01-05T10:00", "01-05T10:00", "thank", "01-05T10:00"),
        ("01-05T10:00:00.001", "01-05T10:00:00.001", "remind", "01-05T10:00"),
        ("01-05T11:00", "01-05T10:00:10", "remind", "01-05T10:00"),
    ],
)
def test_an_event_that_is_waited_for_comes_in_time_or_does_not(
    tmp_path: Path, ordered: str, seen: str, step: str, as_of: str
) -> None:
    events = [Told("01-05T09:00", "cart_added", CART), Told(ordered, "purchase", ORDER)]
    lines = both(shop(tmp_path, WAITS_FOR), events, "01-05T10:00:10", "01-05T12:00")
    assert lines == [Line(seen, f"waits_for/{step}", "sent", "passed", as_of)]


def test_a_condition_starts_a_run_when_time_alone_makes_it_true(tmp_path: Path) -> None:
    events = [Told("01-05T09:00", "login"), Told("01-05T09:20", "login")]
    watermarks = ("01-05T09:30:30", "01-05T09:50", "01-05T09:50:30", "01-05T12:00")
    lines = both(shop(tmp_path, SILENT), events, *watermarks)
    assert lines == [Line("01-05T09:50:30", "silent/ask", "sent", "passed", "01-05T09:50:00.000001")]


def test_a_schedule_starts_runs_each_day(tmp_path: Path) -> None:
    """Ten o'clock in Berlin is nine."""
    watermarks = ("01-05T08:59:59", "01-05T09:01", "01-06T08:59:59", "01-06T09:01")
    lines = both(shop(tmp_path, DAILY), [Told("01-05T08:00", "cart_added", CART)], *watermarks)
    assert lines == [
        Line("01-05T09:01", "daily/offer", "sent", "passed", "01-05T09:00"),
        Line("01-06T09:01", "daily/offer", "sent", "passed", "01-06T09:00"),
    ]


def test_each_key_has_a_run_of_its_own(tmp_path: Path) -> None:
    events = [
        Told("01-05T09:00", "probe", {"label": "a"}),
        Told("01-05T09:10", "probe", {"label": "b"}),
        Told("01-05T09:20", "probe", {"label": "a"}),
        Told("01-05T09:30", "call_wrapped", {"reason": "a"}),
    ]
    lines = both(shop(tmp_path, KEYED), events, "01-05T10:01", "01-05T10:11", "01-05T12:00")
    assert lines == [
        Line("01-05T09:20", "keyed/tell", "suppressed", "under_way", "01-05T09:20"),
        Line("01-05T09:30", "keyed/tell", "suppressed", "exited", "01-05T09:30"),
        Line("01-05T10:11", "keyed/tell", "sent", "passed", "01-05T10:10"),
    ]


def test_quiet_hours_defer_a_message_to_their_end(tmp_path: Path) -> None:
    """They end at eight in Berlin, which is seven; the message is spread over ten minutes behind it."""
    workspace = shop(tmp_path, WAITS, settings=SETTINGS + QUIET)
    watermarks = ("01-05T21:00", "01-06T06:59:59", "01-06T07:11")
    first, second = both(workspace, [Told("01-05T19:30", "cart_added", CART)], *watermarks)
    assert first == Line("01-05T21:00", "waits/remind", "deferred", "quiet_hours", "01-05T20:30")
    assert (second.seen, second.outcome) == ("01-06T07:11", "sent")
    assert "01-06T07:00" <= second.as_of < "01-06T07:10"


@pytest.mark.parametrize(
    ("published", "reason"), [("01-06T09:30", "exited"), ("01-06T09:30:00.001", "passed")]
)
def test_an_event_that_was_published_a_day_after_its_time_changes_no_journey(
    tmp_path: Path, published: str, reason: str
) -> None:
    workspace = shop(tmp_path, WAITS.replace("wait: 1h", "wait: 2d"))
    events = [
        Told("01-05T09:00", "cart_added", CART),
        Told("01-05T09:30", "purchase", ORDER, published=published),
    ]
    [line] = both(workspace, events, "01-07T09:01")
    assert line.reason == reason


def test_an_event_that_is_delivered_before_its_wait_was_looked_at_is_in_time(tmp_path: Path) -> None:
    workspace = shop(tmp_path, WAITS)
    cart, order = Told("01-05T09:00", "cart_added", CART), Told("01-05T09:30", "purchase", ORDER)
    script: list[Told | Until] = [
        Until("01-05T09:00"),
        cart,
        Until("01-05T09:59"),
        order,
        Until("01-05T12:00"),
    ]
    live, batch = streamed(workspace, script), bounded(workspace, [cart, order], "01-05T12:00")
    assert live.lines() == [Line("01-05T09:59", "waits/remind", "suppressed", "exited", "01-05T09:30")]
    assert decided(live) == decided(batch)


def test_an_event_that_is_delivered_after_the_end_of_a_wait_takes_nothing_back(tmp_path: Path) -> None:
    """Here a running and a bounded job differ, lawfully: it decided before the event was there."""
    workspace = shop(tmp_path, WAITS)
    cart, order = Told("01-05T09:00", "cart_added", CART), Told("01-05T09:30", "purchase", ORDER)
    script: list[Told | Until] = [
        Until("01-05T09:00"),
        cart,
        Until("01-05T11:00"),
        order,
        Until("01-05T12:00"),
    ]
    live, batch = streamed(workspace, script), bounded(workspace, [cart, order], "01-05T12:00")
    assert live.lines() == [Line("01-05T11:00", "waits/remind", "sent", "passed", "01-05T10:00")]
    assert [line.reason for line in batch.lines()] == ["exited"]
    assert live.facts(Plan(workspace)) == batch.facts(Plan(workspace))


def test_a_wait_of_an_event_that_is_delivered_long_after_ends_at_once(tmp_path: Path) -> None:
    workspace = shop(tmp_path, WAITS)
    cart = Told("01-05T09:00", "cart_added", CART)
    live = streamed(workspace, [Until("01-05T12:00"), cart, Until("01-05T12:30")])
    assert live.lines() == [Line("01-05T12:00", "waits/remind", "sent", "passed", "01-05T10:00")]
    assert decided(live) == decided(bounded(workspace, [cart], "01-05T12:30"))


def test_a_drain_sends_nothing_early_and_the_next_job_goes_on(tmp_path: Path) -> None:
    workspace = shop(tmp_path, WAITS, WAITS_FOR, SILENT, DAILY)
    cart = Told("01-05T09:00", "cart_added", CART)
    drained = streamed(workspace, [Until("01-05T09:00"), cart, Until("01-05T09:00:10")])
    assert drained.lines() == []
    assert drained.pending(workspace)
    watermarks = (Until("01-05T09:00:20"), Until("01-05T09:29"), Until("01-05T09:31"), Until("01-05T10:01"))
    successor = streamed(workspace, watermarks, drained.cluster)
    assert successor.lines() == [
        Line("01-05T09:31", "silent/ask", "sent", "passed", "01-05T09:30:00.000001"),
        Line("01-05T10:01", "waits/remind", "sent", "passed", "01-05T10:00"),
        Line("01-05T10:01", "waits_for/remind", "sent", "passed", "01-05T10:00"),
    ]
