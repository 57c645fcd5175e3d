"""`cjaas import`: files of another service become a workspace that acts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.timestamps import DAY_US, MINUTE_US
from tests.fold_events import START_US, fold_event
from tests.journeys import Person, actions_of
from tests.pipelines.command_line import Done, cjaas
from tests.schemas.cjds.exports import (
    CAMEL,
    FIELDS,
    JOURNEY,
    PROFILES,
    action,
    attribute,
    schema_text,
    template,
)
from tests.schemas.workspace.shop import WORKSPACE, Shop

CHANNELS = "  - {name: webhook}\n  - {name: wx_connect}\n"


@pytest.fixture
def bookshop(tmp_path: Path) -> Shop:
    """A workspace that has its event types and channels, and no profiles and journeys yet."""
    shop = Shop(tmp_path / "bookshop")
    shop.write("workspace.yaml", WORKSPACE + CHANNELS)
    shop.write("dev-secret.txt", "a secret of the bookshop")
    for event in FIELDS:
        shop.write(f"schemas/{event}.v1.avsc", schema_text(event))
    return shop


def run_import(folder: Path, *words: object, exports: Any = CAMEL) -> Done:
    path = folder / "export.json"
    path.write_text(exports if isinstance(exports, str) else json.dumps(exports))
    return cjaas("import", "cjds", path, *words)


def test_what_is_imported_acts(tmp_path: Path, bookshop: Shop) -> None:
    done = run_import(tmp_path, "--workspace", bookshop.directory)
    assert done.code == 0, done
    assert bookshop.found() == []
    [journey] = bookshop.load().journeys
    assert journey.name == "good_reader"

    person = Person(bookshop.load())

    def seen(minutes: int, section: str, seconds: int = 1) -> list[dict[str, Any]]:
        return advance(minutes, "page.seen", {"section": section, "seconds": seconds})

    def bought(minutes: int, price: float, title: str = "Dune") -> list[dict[str, Any]]:
        return advance(minutes, "book_bought", {"price": price, "title": title})

    def advance(minutes: int, kind: str, data: dict[str, Any]) -> list[dict[str, Any]]:
        at_us = START_US + minutes * MINUTE_US
        event = fold_event(person.plan, kind, data, at_us, event_id=f"{kind}{minutes}")
        return actions_of(person.advance([event], at_us))

    assert advance(-1, "consent.given", {"category": "commercial"}) == []
    assert bought(0, 60) == []
    assert seen(1, "poetry", 29) == []
    assert seen(2, "crime") == []
    assert bought(3, 30) == []
    assert seen(4, "poetry", 30) == [], "two pages that count, and 90 spent"
    webhook, wx_connect = bought(5, 10)
    assert (webhook["channel"], webhook["journey"], webhook["template"]) == (
        "webhook",
        "good_reader",
        "good_reader",
    )
    assert webhook["data"] == {
        "webhook_url": "https://hooks.example.com/r",
        "attributes": {"httpverb": "post"},
    }
    assert (wx_connect["channel"], wx_connect["data"]) == ("wx_connect", {"flow_id": 12})
    assert bought(6, 100) == [], "the rules go on to hold"
    assert seen(200, "crime") == []
    assert seen(201, "crime") == [], "the rules came to hold again, within the cooldown"
    two_days = 2 * DAY_US // MINUTE_US + 300
    assert seen(two_days, "crime") == []
    assert len(seen(two_days + 1, "crime")) == 2


def test_files_go_where_they_are_asked_for(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--output", tmp_path / "out")
    assert done.code == 0
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.yaml")}
    assert written == {"profiles.yaml", "journeys/good_reader.yaml"}
    assert (tmp_path / "out/profiles.yaml").read_text() == PROFILES
    assert (tmp_path / "out/journeys/good_reader.yaml").read_text() == JOURNEY
    lines = done.out.splitlines()
    assert lines[-1] == f"{tmp_path / 'out'}: profiles.yaml and 1 journey written"
    path = tmp_path / "export.json"
    assert (
        f"{path}: actions[0].actionTriggers[0].type: Webhook becomes the channel webhook, "
        "which is to do what the trigger did" in lines
    )


@pytest.mark.parametrize("name", ["profiles.yaml", "journeys/good_reader.yaml"])
def test_what_exists_is_not_overwritten(tmp_path: Path, bookshop: Shop, name: str) -> None:
    bookshop.write(name, "mine")
    done = run_import(tmp_path, "--workspace", bookshop.directory)
    there = bookshop.directory / name
    assert (done.code, done.out) == (2, "")
    assert done.err == f"cjaas: --output: {there} exists; name another directory, and merge by hand\n"
    assert there.read_text() == "mine"
    others = {"profiles.yaml", "journeys/good_reader.yaml"} - {name}
    assert not any((bookshop.directory / other).exists() for other in others)


def test_names_are_checked_against_the_workspace(tmp_path: Path, bookshop: Shop) -> None:
    exports = [
        template(
            attribute(event="page:sen"),
            attribute(event="book_bought", metaData="prise", displayName="spent"),
            attribute(event="page:seen", displayName="seen"),
        ),
        action("page:seen,section,string,Value EQ crime", actionTriggers=[{"type": "ChatBot"}]),
    ]
    output = tmp_path / "out"
    done = run_import(tmp_path, "--workspace", bookshop.directory, "--output", output, exports=exports)
    assert done.code == 1
    assert [line for line in done.out.splitlines() if ".yaml:" in line] == [
        f"{output}/journeys/act.yaml:9: steps[0].channel: expected a known channel, found 'chat_bot'; "
        "add it to channels in workspace.yaml",
        f"{output}/profiles.yaml:5: templates[0].attributes[0].event: expected a known event type, "
        "found 'page.sen'; did you mean page.seen?",
        f"{output}/profiles.yaml:6: templates[0].attributes[1].field: expected a known field of book_bought "
        "version 1, found 'prise'; did you mean price?",
    ]
    assert done.out.splitlines()[-1] == f"{output}: profiles.yaml and 1 journey written; 3 to correct"


def test_what_is_left_out_fails(tmp_path: Path) -> None:
    exports = template(attribute(), attribute(aggregationMode="Median", displayName="other"))
    done = run_import(tmp_path, "--output", tmp_path / "out", "--json", exports=exports)
    assert done.code == 1
    report = done.json()
    assert report["files"] == [str(tmp_path / "out/profiles.yaml")]
    [left_out] = report["left_out"]
    assert left_out["path"] == str(tmp_path / "export.json")
    assert left_out["where"] == "attributes[1].aggregationMode"
    assert report["problems"] == []


def test_nothing_to_write_fails(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--output", tmp_path / "out", exports=[])
    assert done.code == 1
    assert done.out == "nothing is written: no template and no action could be expressed\n"
    assert not (tmp_path / "out").exists()


def test_a_workspace_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--workspace", tmp_path / "shpo")
    assert (done.code, done.out) == (2, "")
    assert not (tmp_path / "shpo").exists()


def test_bad_json_is_one_line(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--output", tmp_path / "out", exports="{")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"cjaas: {tmp_path / 'export.json'}:1: not JSON: ")
    assert done.err.count("\n") == 1


def test_the_category_is_an_option(tmp_path: Path) -> None:
    done = run_import(tmp_path, "--output", tmp_path / "out", "--category", "advisory")
    assert done.code == 0
    assert "\ncategory: advisory\n" in (tmp_path / "out/journeys/good_reader.yaml").read_text()
    assert cjaas("import", "cjds", "x.json", "--category", "spam").code == 2
