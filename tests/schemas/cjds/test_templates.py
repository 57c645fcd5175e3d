"""Profile view templates of CJDS as profiles.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.schemas.cjds.exports import (
    CAMEL,
    JOURNEY,
    PASCAL,
    PROFILES,
    attribute,
    attributes,
    imported,
    template,
    told,
)


@pytest.mark.parametrize("export", [CAMEL, PASCAL])
def test_both_spellings_give_the_same_files(tmp_path: Path, export: str) -> None:
    result = imported(tmp_path, export)
    assert result.files == {"profiles.yaml": PROFILES, "journeys/good_reader.yaml": JOURNEY}
    assert told(result, loss=True) == []


def test_remarks_have_the_files_own_keys(tmp_path: Path) -> None:
    wheres = {remark.where for remark in imported(tmp_path, PASCAL).remarks}
    assert "Templates[0].Attributes[2].LookbackDurationType" in wheres
    assert "Actions[0].ActionTriggers[1].Type" in wheres
    camel = {remark.where.lower() for remark in imported(tmp_path, CAMEL).remarks}
    assert camel == {where.lower() for where in wheres}


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        ("Value", {"field": "section", "aggregate": "value"}),
        ("Count", {"aggregate": "count", "where": {"field": "section", "op": "exists"}}),
        ("Sum", {"field": "section", "aggregate": "sum"}),
        ("Min", {"field": "section", "aggregate": "min"}),
        ("Max", {"field": "section", "aggregate": "max"}),
        ("Average", {"field": "section", "aggregate": "average"}),
        ("Distinct", {"field": "section", "aggregate": "count"}),
    ],
)
def test_each_aggregation(tmp_path: Path, mode: str, more: dict[str, Any]) -> None:
    result = imported(tmp_path, template(attribute(aggregationMode=mode)))
    assert attributes(result) == [{"name": "pages", "event": "seen", "limit": 1, "lookback": "7d", **more}]
    assert told(result, loss=True) == []


@pytest.mark.parametrize(
    ("unit", "lookback"),
    [
        ("minutes", "7m"),
        ("hours", "7h"),
        ("Days", "7d"),
        ("DAY", "7d"),
        ("weeks", "7w"),
        ("months", "210d"),
        ("none", None),
    ],
)
def test_each_unit_of_the_lookback(tmp_path: Path, unit: str, lookback: str | None) -> None:
    result = imported(tmp_path, template(attribute(lookBackDurationType=unit)))
    assert attributes(result)[0].get("lookback") == lookback
    assert [remark for remark in told(result, loss=False) if "month" in remark] == (
        ["0.json: attributes[0].lookBackDurationType: a month becomes 30 days"] if unit == "months" else []
    )


@pytest.mark.parametrize(
    ("mode", "limit", "kept", "loss"),
    [
        ("Sum", 0, None, False),
        ("Sum", None, None, False),
        ("Value", None, 1000, False),
        ("Value", 0, 1000, False),
        ("Count", 1001, 1000, True),
        ("Value", 1000, 1000, False),
    ],
)
def test_limits(tmp_path: Path, mode: str, limit: int | None, kept: int | None, loss: bool) -> None:
    result = imported(tmp_path, template(attribute(aggregationMode=mode, limit=limit)))
    assert attributes(result)[0].get("limit") == kept
    assert bool(told(result, loss=True)) is loss


@pytest.mark.parametrize(
    ("broken", "remark"),
    [
        (
            {"aggregationMode": "Median"},
            "aggregationMode: expected Value, Count, Sum, Min, Max, Average, Distinct, found text 'Median'; "
            "the attribute is left out: choose one of them",
        ),
        (
            {"lookBackDurationType": "fortnights"},
            "lookBackDurationType: expected minutes, hours, days, weeks, months, seconds or none, found text "
            "'fortnights'; the attribute is left out: choose one",
        ),
        (
            {"lookBackPeriod": 3651},
            "lookBackPeriod: expected a duration from 1m to 3650d, found 3651d; the attribute is left out: "
            "choose another period",
        ),
        (
            {"lookBackPeriod": None},
            "lookBackPeriod: expected a number of days, found none; the attribute is left out: add it",
        ),
        (
            {"event": "cjds:any"},
            "event: expected an event type, found cjds:any, and not every event has section; the attribute "
            "is left out: write an attribute with the list of its event types",
        ),
        (
            {"metaData": ""},
            "metaData: expected a field for Value, found none; the attribute is left out: add it",
        ),
        (
            {"limit": "many"},
            "limit: expected a whole number, found text 'many'; the attribute is left out: correct it",
        ),
        (
            {"limit": -1},
            "limit: expected a number of at least 0, found -1; the attribute is left out: correct it",
        ),
        (
            {"event": None},
            "event: expected the key event, found none; the attribute is left out: correct it",
        ),
        (
            {"rules": "seen,section,string,Count GT 1"},
            "rules: expected Value, as rules see one event, found Count; the attribute is left out: "
            "write Value",
        ),
        (
            {"rules": "bought,section,string,Value EQ x"},
            "rules: expected the attribute's own event 'seen', found 'bought'; the attribute is left out: "
            "change it",
        ),
    ],
)
def test_what_has_no_counterpart_leaves_out_its_attribute_alone(
    tmp_path: Path, broken: dict[str, Any], remark: str
) -> None:
    result = imported(tmp_path, template(attribute(**broken), attribute(displayName="sound")))
    assert [one["name"] for one in attributes(result)] == ["sound"]
    assert told(result, loss=True) == [f"0.json: attributes[0].{remark}"]


def test_every_event_can_be_counted(tmp_path: Path) -> None:
    counted = attribute(event="cjds:any", metaData=None, aggregationMode="Count")
    assert attributes(imported(tmp_path, template(counted)))[0]["event"] == "*"


def test_nothing_is_left_out_in_silence(tmp_path: Path) -> None:
    shown = attribute(verbose=True, widgetAttributes={"type": "table"}, eventDataAggregators=[1], version="1")
    result = imported(tmp_path, template(shown, colour="red", createdBy="ann"))
    left_out = "it is left out"
    assert told(result, loss=False) == [
        f"0.json: attributes[0].widgetAttributes: says how to display it; {left_out}",
        f"0.json: attributes[0].verbose: asks for the events themselves, which are on the tape; {left_out}",
        f"0.json: attributes[0].version: is bookkeeping of CJDS; {left_out}",
        f"0.json: createdBy: is bookkeeping of CJDS; {left_out}",
    ]
    by_hand = "it is left out: express it by hand"
    assert told(result, loss=True) == [
        f"0.json: attributes[0].eventDataAggregators: is not known, found a list; {by_hand}",
        f"0.json: colour: is not known, found text 'red'; {by_hand}",
    ]


def test_names_become_valid_and_clashes_are_told(tmp_path: Path) -> None:
    names = ["Crème brûlée", "creme-brulee", "24h calls", "顧客", "x" * 70, "MSGraph mails"]
    result = imported(tmp_path, template(*(attribute(displayName=name) for name in names)))
    assert [one["name"] for one in attributes(result)] == [
        "creme_brulee", "creme_brulee_2", "attribute_24h_calls", "attribute", "x" * 63, "ms_graph_mails",
    ]  # fmt: skip
    assert told(result, loss=False) == [
        "0.json: attributes[1].displayName: creme_brulee is the name of attributes[0].displayName already; "
        "it becomes creme_brulee_2"
    ]


def test_event_types_and_fields_become_valid_and_it_is_told(tmp_path: Path) -> None:
    result = imported(
        tmp_path,
        template(
            attribute(event="Closed Queue", metaData="License Plate"),
            attribute(event="closed_queue", displayName="other"),
        ),
    )
    assert [(one["event"], one["field"]) for one in attributes(result)] == [
        ("closed_queue", "License_Plate"),
        ("closed_queue_2", "section"),
    ]
    assert told(result, loss=False) == [
        "0.json: attributes[0].metaData: field 'License Plate' becomes License_Plate; "
        "events are to come with that field",
        "0.json: attributes[0].event: event type 'Closed Queue' becomes closed_queue; "
        "events are to come with that type",
        "0.json: attributes[1].event: event type 'closed_queue' becomes closed_queue_2; "
        "events are to come with that type",
    ]
