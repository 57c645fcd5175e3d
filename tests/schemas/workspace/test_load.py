from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest

from schemas.action import Category
from schemas.duration import parse_duration
from schemas.errors import WorkspaceError
from schemas.timestamps import parse_rfc3339
from schemas.workspace import check_workspace, load_workspace
from schemas.workspace.condition import All, Not, Op, Subject, Test
from schemas.workspace.entries import ConditionEntry, EventEntry, ExitEvent, Reentry, ScheduleEntry
from schemas.workspace.model import Aggregate, Attribute, Channel, Namespace
from schemas.workspace.steps import AttributeSource, FieldSource, LiteralSource, Send, Update, Wait
from tests.schemas.workspace.shop import SECRET, Shop


def test_a_workspace_is_what_its_files_say(shop: Shop) -> None:
    workspace = shop.load()
    assert (workspace.name, workspace.time_zone, workspace.region) == ("shop", "Europe/Berlin", "DE")
    assert workspace.directory == shop.directory
    assert workspace.shards == 16
    assert workspace.allowed_lateness_us == parse_duration("24h")
    assert workspace.earliest_us == parse_duration("1095d")
    assert workspace.secret == SECRET
    assert workspace.namespaces == (
        Namespace("customer", 1, True, None, None),
        Namespace("email", 2, False, 10, "email"),
        Namespace("phone", 3, False, None, "phone"),
        Namespace("cookie", 9, False, None, None),
    )
    assert workspace.channels == {"web": Channel("web", None), "email": Channel("email", "email")}
    assert "cart_added" in workspace.registry.types()


def test_attributes_are_what_profiles_say(shop: Shop) -> None:
    attributes = {attribute.name: attribute for attribute in shop.load().attributes}
    assert list(attributes) == [
        "name", "items_in_cart", "calls", "activity", "spend", "last_seen", "skus",
    ]  # fmt: skip
    assert attributes["spend"] == Attribute(
        name="spend",
        events=("purchase", "store_purchase"),
        field="total",
        aggregate=Aggregate.SUM,
        limit=None,
        lookback_us=None,
        where=Test(Subject("field", "currency"), Op.EQ, "EUR"),
    )
    assert attributes["last_seen"].events == ("*",)
    assert attributes["activity"].field is None
    assert (attributes["calls"].limit, attributes["calls"].lookback_us) == (4, parse_duration("30d"))


def test_a_journey_is_what_its_file_says(shop: Shop) -> None:
    (journey,) = shop.load().journeys
    assert (journey.name, journey.version, journey.active) == ("cart_left_behind", 1, True)
    assert (journey.category, journey.priority) == (Category.COMMERCIAL, 40)
    assert journey.valid_from_us == parse_rfc3339("2026-01-01T00:00:00Z")
    assert journey.valid_until_us == parse_rfc3339("2026-12-31T00:00:00Z")
    assert journey.entry == EventEntry(("cart_added",), Test(Subject("field", "price"), Op.GE, 20))
    assert (journey.cooldown_us, journey.reentry) == (parse_duration("3d"), Reentry.RESTART)
    assert journey.exits == (ExitEvent("purchase"),)
    assert journey.condition == All(
        (
            Test(Subject("attribute", "items_in_cart"), Op.EXISTS, True),
            Not(Test(Subject("attribute", "last_seen"), Op.WITHIN, parse_duration("30m"))),
        )
    )
    assert journey.steps == (
        Wait("0", parse_duration("1h")),
        Send(
            path="1",
            name="remind",
            channels=("email",),
            template="cart_reminder",
            data={"name": AttributeSource("name"), "sku": FieldSource("sku"), "text": LiteralSource("x")},
            expires_after_us=parse_duration("12h"),
        ),
    )


def test_a_journey_needs_little(shop: Shop) -> None:
    shop.write(
        "journeys/hello.yaml",
        "name: hello\nversion: 2\ncategory: advisory\nentry: {event: [login, purchase]}\n"
        "steps: [{send: greet, channel: web, template: hi}]\n",
    )
    journey = shop.load().journeys[1]
    assert journey.name == "hello"
    assert (journey.active, journey.priority, journey.reentry) == (True, 50, Reentry.AFTER_EXIT)
    assert (journey.valid_from_us, journey.valid_until_us) == (None, None)
    assert (journey.entry, journey.exits) == (EventEntry(("login", "purchase")), ())
    assert (journey.condition, journey.cooldown_us) == (None, None)
    assert journey.steps == (Send("0", "greet", ("web",), "hi", {}, parse_duration("24h")),)


def test_journeys_that_no_event_enters_and_keys(shop: Shop) -> None:
    rest = "category: advisory\nsteps: [{send: greet, channel: web, template: hi}]\n"
    shop.write(
        "journeys/a.yaml",
        "name: a\nversion: 1\n"
        "entry: {condition: {attribute: spend, op: gt, value: 100}, reentry: once}\n" + rest,
    )
    shop.write(
        "journeys/b.yaml",
        'name: b\nversion: 1\nentry: {schedule: {at: "09:30", days: [monday, sunday]}}\n' + rest,
    )
    shop.write(
        "journeys/c.yaml",
        "name: c\nversion: 1\nentry: {event: purchase, key: currency, reentry: always}\n"
        "exit: [login, {event: purchase, key: currency, where: {field: total, op: lt, value: 0}}]\n" + rest,
    )
    a, b, c = (journey for journey in shop.load().journeys if len(journey.name) == 1)
    assert (a.entry, a.reentry) == (
        ConditionEntry(Test(Subject("attribute", "spend"), Op.GT, 100)),
        Reentry.ONCE,
    )
    assert b.entry == ScheduleEntry(570, frozenset({0, 6}))
    assert (c.entry, c.reentry) == (EventEntry(("purchase",), None, "currency"), Reentry.ALWAYS)
    refund = Test(Subject("field", "total"), Op.LT, 0)
    assert c.exits == (ExitEvent("login"), ExitEvent("purchase", refund, "currency"))


def test_values_are_in_the_form_of_the_data(shop: Shop) -> None:
    shop.edit("journeys/cart_left_behind.yaml", "{field: price, op: ge, value: 20}", """
    all:
      - {field: added_at, op: ge, value: 2026-01-31}
      - {field: added_at, op: lt, value: "2026-02-01T01:00:00+01:00"}
      - {field: deliver_on, op: eq, value: 2026-02-03}
      - {field: sku, op: in, value: [yes, NO, "1"]}
      - {field: gift, op: exists, value: false}
""")  # fmt: skip
    (journey,) = shop.load().journeys
    assert isinstance(journey.entry, EventEntry)
    assert isinstance(journey.entry.where, All)
    values = [part.value for part in journey.entry.where.parts if isinstance(part, Test)]
    assert values == [
        "2026-01-31T00:00:00.000000Z",
        "2026-02-01T00:00:00.000000Z",
        "2026-02-03",
        ("yes", "NO", "1"),
        False,
    ]


def test_it_is_known_which_fields_are_numbers_though_events_write_text(shop: Shop) -> None:
    shop.edit("journeys/cart_left_behind.yaml", "event: cart_added\n", "event: purchase\n")
    shop.edit("journeys/cart_left_behind.yaml", "  where: {field: price, op: ge, value: 20}\n", "")
    shop.edit(
        "journeys/cart_left_behind.yaml", "sku: {field: sku}", "sku: {field: currency}, total: {field: total}"
    )
    [journey] = shop.load().journeys
    send = journey.steps[1]
    assert isinstance(send, Send)
    assert send.data["total"] == FieldSource("total", numeric=True)
    assert send.data["sku"] == FieldSource("currency", numeric=False)


def test_a_workspace_travels(shop: Shop) -> None:
    workspace = shop.load()
    copy = pickle.loads(pickle.dumps(workspace))
    for name in (entry.name for entry in dataclasses.fields(workspace)):
        if name != "registry":
            assert getattr(copy, name) == getattr(workspace, name)
    assert copy.registry.types() == workspace.registry.types()


def test_the_secret_is_not_shown(shop: Shop) -> None:
    assert SECRET.decode() not in repr(shop.load())
    assert SECRET.decode() not in str(shop.load())


def test_the_secret_may_come_from_the_environment(shop: Shop) -> None:
    shop.edit("workspace.yaml", "file:dev-secret.txt", "env:SHOP_SECRET")
    environment = {"SHOP_SECRET": "another secret of the shop"}
    assert load_workspace(shop.directory, environment).secret == b"another secret of the shop"


def test_a_secret_that_stands_in_the_file_itself_is_not_repeated(shop: Shop) -> None:
    shop.edit("workspace.yaml", "file:dev-secret.txt", "my-secret-of-the-shop")
    ((_, line, message),) = shop.found()
    assert line == 3
    assert "my-secret" not in message
    assert message.startswith("secret: expected file:PATH or env:NAME")


def test_journeys_and_channels_may_be_absent(shop: Shop) -> None:
    (shop.directory / "journeys/cart_left_behind.yaml").unlink()
    (shop.directory / "journeys").rmdir()
    shop.edit("workspace.yaml", "channels:\n  - {name: web}\n  - {name: email, address: email}\n", "")
    workspace = shop.load()
    assert (workspace.journeys, workspace.channels) == ((), {})


def test_load_raises_all_that_check_lists(shop: Shop) -> None:
    shop.edit("workspace.yaml", "region: DE", "region: XX")
    shop.edit("profiles.yaml", "event: login", "event: logon")
    with pytest.raises(WorkspaceError) as raised:
        shop.load()
    assert raised.value.problems == shop.check()
    assert len(raised.value.problems) == 2
    assert str(raised.value).count("\n") == 1


def test_a_sound_workspace_has_no_problems(shop: Shop) -> None:
    assert shop.check() == []


def test_a_directory_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    (problem,) = check_workspace(tmp_path / "nowhere", {})
    assert problem.path == tmp_path / "nowhere"
    assert "expected a workspace's directory, found nothing" in problem.message


def test_a_file_is_no_directory(shop: Shop) -> None:
    (problem,) = check_workspace(shop.directory / "workspace.yaml", {})
    assert "found a file" in problem.message


def test_an_empty_directory_has_a_problem_for_each_part(tmp_path: Path) -> None:
    names = [problem.path.name for problem in check_workspace(tmp_path, {})]
    assert names == ["profiles.yaml", "schemas", "workspace.yaml"]


def test_attributes_that_journeys_write(shop: Shop) -> None:
    shop.edit("profiles.yaml", "templates:\n", "written:\n  - {name: stage, kind: text}\ntemplates:\n")
    shop.edit("journeys/cart_left_behind.yaml", "  - wait: 1h\n", "  - {update: stage, to: {value: warm}}\n")
    (journey,) = shop.load().journeys
    assert journey.steps[0] == Update("0", "stage", LiteralSource("warm"))
    shop.edit("journeys/cart_left_behind.yaml", "update: stage", "update: spend")
    [(_, _, message)] = shop.found()
    assert message.startswith("steps[0].update: expected a known written attribute, found 'spend'")
