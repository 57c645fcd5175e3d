"""Generated firehoses, held against the real decoder: what the tally says is what is in the lines."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.avro import Registry
from schemas.dead_letter import DeadLetterError
from schemas.errors import WorkspaceError
from schemas.event import Event
from schemas.timestamps import DAY_US, HOUR_US, parse_rfc3339
from schemas.workspace import load_workspace
from schemas.workspace.model import Namespace
from tests.firehoses import PLAN, START_US, decode, is_late, pour, shop, write_workspace
from transforms.generate import Fault, Firehose, Realism, firehose, read_realism
from transforms.generate.clock import Clock, TimeText
from transforms.generate.crowd import Crowd
from transforms.generate.faults import ERRORS
from transforms.generate.leaves import Scene
from transforms.generate.values import Makers

NUMBERS = {"type": "array", "items": ["null", "long", "string"]}
TREES = {"name": "children", "type": {"type": "array", "items": "Tree"}, "doc": "Its subtrees."}
EVERY_TYPE = [
    ("text", "string"),
    ("whole", "int"),
    ("big", "long"),
    ("small", "float"),
    ("real", "double"),
    ("yes", "boolean"),
    ("nothing", "null"),
    ("raw", "bytes"),
    ("fixed", {"type": "fixed", "name": "Four", "size": 4}),
    ("again", "Four"),
    ("colour", {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}),
    ("amount", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}),
    ("count", {"type": "fixed", "name": "Count", "size": 8, "logicalType": "decimal", "precision": 18}),
    ("uuid", {"type": "string", "logicalType": "uuid"}),
    ("day", {"type": "int", "logicalType": "date"}),
    ("clock", {"type": "int", "logicalType": "time-millis"}),
    ("clock_us", {"type": "long", "logicalType": "time-micros"}),
    ("at", {"type": "long", "logicalType": "timestamp-millis"}),
    ("at_us", {"type": "long", "logicalType": "timestamp-micros"}),
    ("local", {"type": "long", "logicalType": "local-timestamp-micros"}),
    ("list", NUMBERS),
    ("map", {"type": "map", "values": "double"}),
    ("maybe", ["null", "int"]),
    ("tree", {"type": "record", "name": "Tree", "doc": "A tree.", "fields": [TREES]}),
]  # fmt: skip


def persons(events: list[Event]) -> int:
    """How many people the links of the events leave."""
    parents: dict[str, str] = {}

    def root(identity: str) -> str:
        while (parent := parents.setdefault(identity, identity)) != identity:
            identity = parent
        return identity

    for event in events:
        for identity in event.identities:
            parents[root(identity)] = root(event.identities[0])
    return len({root(identity) for identity in parents})


def test_the_tally_is_what_the_decoder_finds() -> None:
    workspace = shop()
    lines, hose = pour(workspace, PLAN)
    decoded, tally = decode(workspace, lines), hose.tally
    assert tally.events == len(lines) == PLAN.events
    assert tally.valid == len(decoded.events)
    assert tally.duplicates == len(decoded.events) - len({(e.source, e.event_id) for e in decoded.events})
    assert tally.late == sum(is_late(event, workspace) for event in decoded.events)
    assert tally.people == persons(decoded.events)
    assert sum(tally.broken.values()) == len(decoded.dead_letters)
    assert tally.errors == Counter(letter.error.value for letter in decoded.dead_letters)
    first = {(event.source, event.event_id): event.type for event in decoded.events}
    assert {name: count for name, count in tally.types.items() if count} == Counter(first.values())
    assert decoded.unknown_fields == decoded.ignored_identities == 0


def test_every_person_has_an_event_in_time() -> None:
    workspace = shop()
    lines, hose = pour(workspace, replace(PLAN, late=0.3))
    events = decode(workspace, lines).events
    in_time = [event for event in events if not is_late(event, workspace)]
    assert persons(in_time) == persons(events) == hose.tally.people
    assert hose.tally.best_identities == len({event.identities[0] for event in in_time})
    assert hose.tally.late == sum(is_late(event, workspace) for event in events) > 100


def test_shares_are_kept() -> None:
    workspace = shop()
    plan = replace(PLAN, events=20_000)
    tally = pour(workspace, plan)[1].tally
    assert tally.duplicates / plan.events == pytest.approx(plan.duplicates, rel=0.15)
    assert tally.late / plan.events == pytest.approx(plan.late, rel=0.15)
    assert sum(tally.broken.values()) / plan.events == pytest.approx(plan.broken, rel=0.15)


def test_faults_come_evenly_and_each_is_the_error_it_stands_for() -> None:
    workspace = shop()
    _, hose = pour(workspace, replace(PLAN, broken=0.2))
    counts = hose.tally.broken
    assert set(counts) == {fault.value for fault in Fault} - {Fault.TOO_LARGE.value}
    assert max(counts.values()) - min(counts.values()) <= 1
    assert set(ERRORS) == set(Fault)
    assert set(ERRORS.values()) == set(DeadLetterError) - {DeadLetterError.REFUSED_BY_TAPE}
    faulty, _ = pour(workspace, replace(PLAN, events=100, broken=1, duplicates=0, late=0))
    letters = decode(workspace, faulty).dead_letters
    assert len(letters) == 100
    turns = [Fault(name) for name in counts]
    for line, letter in zip(faulty, letters, strict=True):
        assert letter.payload == line
    by_error = Counter(letter.error for letter in letters)
    assert by_error == Counter(ERRORS[turns[number % len(turns)]] for number in range(100))


def test_a_message_over_the_limit_comes_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firehose, "_TOO_LARGE_EVERY", 1500)
    workspace = shop()
    lines, hose = pour(workspace, PLAN)
    large = [line for line in lines if len(line) > 1024 * 1024]
    assert [len(line) for line in large] == [1024 * 1024 + 1] * hose.tally.broken["too_large"]
    assert len(large) == 2
    assert hose.tally.errors == Counter(
        letter.error.value for letter in decode(workspace, lines).dead_letters
    )


@pytest.mark.parametrize("share", ["duplicates", "late", "broken"])
def test_no_share_no_such_line(share: str) -> None:
    tally = pour(shop(), replace(PLAN, events=1000, **cast("dict[str, Any]", {share: 0.0})))[1].tally
    found = {"duplicates": tally.duplicates, "late": tally.late, "broken": sum(tally.broken.values())}
    assert [name for name, count in found.items() if not count] == [share]


def test_copies_are_the_same_but_for_the_publish_time() -> None:
    workspace = shop()
    seen: dict[tuple[str, str], list[Event]] = {}
    for event in decode(workspace, pour(workspace, PLAN)[0]).events:
        seen.setdefault((event.source, event.event_id), []).append(event)
    copied = [events for events in seen.values() if len(events) > 1]
    for events in copied:
        assert len({(event.payload[:-29], event.time_us) for event in events}) == 1
        assert not any(is_late(event, workspace) for event in events)
    later = sum(len({event.payload for event in events}) > 1 for events in copied)
    assert 0 < later < len(copied)


@given(seed=st.integers(0, 2**63), events=st.integers(0, 300), people=st.integers(1, 50))
@settings(max_examples=15, deadline=None)
def test_the_same_plan_gives_the_same_bytes(seed: int, events: int, people: int) -> None:
    workspace = shop()
    plan = replace(PLAN, seed=seed, events=events, people=people, broken=0.1)
    lines, hose = pour(workspace, plan)
    again, other_hose = pour(workspace, plan)
    assert lines == again
    assert hose.tally == other_hose.tally
    assert len(lines) == events
    assert hose.tally.people <= people
    assert hose.tally.valid == len(decode(workspace, lines).events)


def test_another_seed_gives_other_events() -> None:
    workspace = shop()
    lines, _ = pour(workspace, replace(PLAN, events=200))
    others, _ = pour(workspace, replace(PLAN, events=200, seed=8))
    assert not set(lines) & set(others)


def test_lines_come_about_in_the_order_of_their_publish_times() -> None:
    workspace = shop()
    lines, _ = pour(workspace, replace(PLAN, duplicates=0))
    published = [event.publish_us for event in decode(workspace, lines).events]
    backwards = sum(later < earlier for earlier, later in pairwise(published))
    assert 0 < backwards < len(published) / 3
    ranks = sorted(range(len(published)), key=published.__getitem__)
    near = sum(abs(rank - place) < 100 for place, rank in enumerate(ranks))
    assert near > len(published) * 0.9


def test_events_lie_in_the_period() -> None:
    workspace = shop()
    plan = replace(PLAN, days=2, start_us=START_US + 5 * DAY_US)
    for event in decode(workspace, pour(workspace, plan)[0]).events:
        if not is_late(event, workspace):
            assert plan.start_us <= event.time_us < plan.start_us + 2 * DAY_US
            assert event.publish_us - event.time_us < DAY_US


def test_weights_choose_the_types() -> None:
    tally = pour(shop(), replace(PLAN, weights={"login": 1.0, "store_visit": 3.0}))[1].tally
    assert set(tally.types) == {"login", "store_visit"}
    assert tally.types["store_visit"] > tally.types["login"] > 0


def test_a_customer_registers_once_and_old_versions_are_written_too() -> None:
    workspace = shop()
    events = decode(workspace, pour(workspace, replace(PLAN, duplicates=0))[0]).events
    registered = [event.person_id for event in events if event.type == "customer_registered"]
    assert len(registered) == len(set(registered)) > 10
    assert {event.schema for event in events if event.type == "cart_added"} == {
        "cart_added/1",
        "cart_added/2",
    }


def test_people_are_known_in_different_ways() -> None:
    events = decode(shop(), pour(shop(), PLAN)[0]).events
    namespaces = Counter(tuple(text.partition(":")[0] for text in event.identities) for event in events)
    assert {("cookie",), ("email",), ("customer", "cookie"), ("customer", "email", "phone", "cookie")} <= set(
        namespaces
    )


def test_every_avro_type_is_made(tmp_path: Path) -> None:
    workspace = load_workspace(write_workspace(tmp_path, EVERY_TYPE), {})
    lines, hose = pour(workspace, PLAN, Realism())
    decoded = decode(workspace, lines)
    assert hose.tally.valid == len(decoded.events)
    assert hose.tally.errors == Counter(letter.error.value for letter in decoded.dead_letters)
    data = [json.loads(event.data_json) for event in decoded.events]
    assert {item["colour"] for item in data} == {"RED", "BLUE"}
    assert {item.get("maybe") is None for item in data} == {True, False}
    assert any(item["tree"]["children"] for item in data)


@pytest.mark.parametrize("kind", ["string", ["null", "string"], {"type": "string", "logicalType": "uuid"}])
def test_an_identity_in_the_data_is_the_person(tmp_path: Path, kind: Any) -> None:
    fields = [("owner", kind)]
    workspace = load_workspace(write_workspace(tmp_path, fields, {"identity": "device"}), {})
    lines, hose = pour(workspace, PLAN, Realism())
    decoded = decode(workspace, lines)
    assert persons(decoded.events) == hose.tally.people
    assert hose.tally.valid == len(decoded.events)
    assert all(
        event.identities == (f"device:{json.loads(event.data_json)['owner']}",) for event in decoded.events
    )
    assert hose.tally.errors == Counter(letter.error.value for letter in decoded.dead_letters)


_LEAVES = st.sampled_from(
    [kind for name, kind in EVERY_TYPE if name not in {"again", "tree", "fixed", "colour", "count"}]
)
_TYPES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda items: {"type": "array", "items": items}),
        inner.map(lambda values: {"type": "map", "values": values}),
    ),
    max_leaves=4,
)


@given(kinds=st.lists(_TYPES, min_size=1, max_size=5), seed=st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_any_schema_gets_values_it_accepts(
    kinds: list[Any], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    fields = [(f"f{number}", kind) for number, kind in enumerate(kinds)]
    folder = write_workspace(tmp_path_factory.mktemp("workspace"), fields)
    registry, problems = Registry.load(folder / "schemas")
    assert not problems
    schema = registry.newest("thing_seen")
    assert schema is not None
    numbers = iter(range(seed, 10**9))

    def draw() -> float:
        return next(numbers) * 0.754877666 % 1

    crowd = Crowd(seed, 10, [Namespace("device", 1, False, None, None)], [], {}, None)
    make = Makers(draw, crowd, {}, {}, {}).record(schema.definition)
    for person in range(10):
        data, unknown = schema.read_json(make(Scene(person, 0, START_US, {})).encode())
        assert unknown == 0
        assert list(data) == [name for name, _ in fields]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("types:\n  flown: {weight: 1}\n", 2, "expected an event type"),
        ("types:\n  login:\n    wieght: 1\n", 3, "wieght"),
        ("types:\n  login:\n    known_by: [badge]\n", 3, "expected a namespace"),
        ("types:\n  login:\n    fields:\n      methud: {values: [LINK]}\n", 4, "expected a field of login"),
        ("types:\n  login:\n    fields:\n      method: {pool: x, column: y}\n", 4, "expected a pool"),
        ("types:\n  login:\n    then: [{event: landed, share: 1, after: [1s, 2s]}]\n", 3, "landed"),
        ("people:\n  - {identities: [badge]}\n", 2, "expected a namespace"),
        ("identities: {cookie: no number}\n", 1, "one number"),
    ],
)
def test_mistakes_in_generate_yaml_are_told_with_their_line(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    path = tmp_path / "generate.yaml"
    path.write_text(text)
    with pytest.raises(WorkspaceError) as raised:
        read_realism(path, shop())
    (problem,) = raised.value.problems
    assert (problem.path, problem.line) == (path, line)
    assert message in problem.message


def test_a_value_that_is_none_of_the_field_is_told(tmp_path: Path) -> None:
    path = tmp_path / "generate.yaml"
    path.write_text("types:\n  login:\n    fields:\n      method: {values: [FINGERPRINT]}\n")
    workspace = shop()
    with pytest.raises(WorkspaceError, match="method: expected a value for enum, found 'FINGERPRINT'"):
        Firehose(workspace, read_realism(path, workspace), PLAN)


def test_the_clock_rises_and_keeps_to_the_hours() -> None:
    hours = [0.0] * 8 + [1.0] * 12 + [0.0] * 4
    clock = Clock(5000, START_US + 3 * HOUR_US, 3, hours)
    times = [clock.at(index, 0.5) for index in range(5000)]
    assert times == sorted(times)
    assert {time // HOUR_US % 24 for time in times} == set(range(8, 20))
    assert times[0] >= START_US + 3 * HOUR_US
    assert times[-1] < START_US + 3 * HOUR_US + 3 * DAY_US


@given(st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000))
def test_times_are_written_as_they_are_read(time_us: int) -> None:
    assert parse_rfc3339(TimeText()(time_us)) == time_us
