"""Templates and actions of CJDS as profiles.yaml and journeys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.action import Category
from schemas.cjds import Imported, read_exports, summed_up
from schemas.errors import InputError
from tests.schemas.cjds.exports import (
    CAMEL,
    JOURNEY,
    PASCAL,
    PROFILES,
    action,
    attribute,
    imported,
    template,
    told,
)

RULE = "seen,section,string,Value EQ crime"


def attributes(result: Imported) -> list[dict[str, Any]]:
    file = yaml.safe_load(result.files["profiles.yaml"])
    return [one for template in file["templates"] for one in template["attributes"]]


def condition(result: Imported) -> Any:
    return yaml.safe_load(result.files["journeys/act.yaml"])["entry"]["condition"]


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


@pytest.mark.parametrize(
    ("more", "rule", "test"),
    [
        ({}, RULE, {"op": "eq", "value": "crime"}),
        ({}, "'seen','section','Value' NEQ 'a, b'", {"op": "ne", "value": "a, b"}),
        ({}, "seen,section,Value HAS rim", {"op": "contains", "value": "rim"}),
        ({}, "seen,section,string,Value EQ 007", {"op": "eq", "value": "007"}),
        ({"metaDataType": "integer"}, "seen,section,integer,Value LT -7", {"op": "lt", "value": -7}),
        ({"metaDataType": "double"}, "seen,section,double,Value LTE 1.5", {"op": "le", "value": 1.5}),
        ({"metaDataType": "boolean"}, "seen,section,boolean,Value EQ True", {"op": "eq", "value": True}),
        ({"limit": 3}, "seen,section,string,Value HAS crime", {"op": "contains", "value": "crime"}),
        ({"aggregationMode": "Count"}, "seen,section,string,Count GT 2", {"op": "gt", "value": 2}),
        ({"aggregationMode": "Count"}, "seen,section,string,value GTE 2", {"op": "ge", "value": 2}),
        (
            {"aggregationMode": "Distinct", "metaDataType": "integer"},
            "seen,section,integer,Distinct HAS 7",
            {"op": "contains", "value": "7"},
        ),
        ({"aggregationMode": "Average"}, "seen,section,integer,Average GT 2", {"op": "gt", "value": 2}),
        (
            {"aggregationMode": "Distinct"},
            "seen,section,string,Distinct HAS 7",
            {"op": "contains", "value": "7"},
        ),
    ],
)
def test_rules_of_actions(tmp_path: Path, more: dict[str, Any], rule: str, test: dict[str, Any]) -> None:
    result = imported(tmp_path, template(attribute(**more)), action({"logic": "SINGLE", "condition": rule}))
    assert condition(result) == {"attribute": "pages", **test}
    assert told(result, loss=True) == []


@pytest.mark.parametrize(
    ("rules", "remark"),
    [
        (
            "seen,section,string,Value LIKE x",
            "rules: expected EQ, NEQ, GT, GTE, LT, LTE, HAS, found the operator LIKE; "
            "the journey is left out: choose one of them",
        ),
        (
            "seen section EQ x",
            "rules: expected 'EVENT,FIELD,TYPE,AGGREGATION OP VALUE', found text 'seen section EQ x'; "
            "the journey is left out: write the rule so",
        ),
        (
            "seen,section,string,Value EQ",
            "rules: expected a value to compare with, found none in text 'seen,section,string,Value EQ'; "
            "the journey is left out: add it",
        ),
        (
            {"logic": "AND", "args": [RULE, "seen,other,string,Value EQ x"]},
            "rules.args[1]: expected one attribute of the template that is Value of 'other' in 'seen', "
            "found none; the journey is left out: write the journey",
        ),
        (
            {"logic": "XOR", "args": [RULE, RULE]},
            "rules.logic: expected AND, OR or SINGLE, found text 'XOR'; the journey is left out: "
            "write all, any or not",
        ),
        (
            {"type": "nested", "childrenRules": {}},
            "rules.type: is not known in rules, found text 'nested'; the journey is left out: "
            "write logic and args",
        ),
        (
            {"logic": "AND", "args": []},
            "rules: expected a condition with SINGLE, or args with AND or OR, found other rules; "
            "the journey is left out: correct them",
        ),
        (
            "seen,section,string,Value GT 5",
            "rules: expected eq, ne, contains for a text, found gt; the journey is left out: "
            "choose another operator",
        ),
        (
            "seen,times,integer,Max EQ often",
            "rules: expected a number, found text 'often'; the journey is left out: "
            "correct the value or its type",
        ),
        (
            "seen,tags,string,Value EQ a",
            "rules: expected HAS for tags, which has several values, found eq; the journey is left out: "
            "write HAS",
        ),
        (
            "seen,gone,string,Value EQ a",
            "rules: expected an attribute for Value of 'gone' in 'seen', found one that is left out; "
            "the journey is left out: see there",
        ),
    ],
)
def test_rules_without_a_counterpart_leave_out_the_journey(tmp_path: Path, rules: Any, remark: str) -> None:
    result = imported(
        tmp_path,
        template(
            attribute(),
            attribute(displayName="times", metaData="times", metaDataType="integer", aggregationMode="Max"),
            attribute(displayName="tags", metaData="tags", limit=9),
            attribute(displayName="gone", metaData="gone", lookBackPeriod=9999),
        ),
        action(rules),
    )
    assert list(result.files) == ["profiles.yaml"]
    assert told(result, loss=True)[1:] == [f"1.json: {remark}"]


def test_attributes_that_a_rule_cannot_tell_apart(tmp_path: Path) -> None:
    two = template(attribute(), attribute(displayName="longer", lookBackPeriod=30))
    [remark] = told(imported(tmp_path, two, action(RULE)), loss=True)
    assert "found 2 of them" in remark


def test_rules_that_are_nested_too_deeply(tmp_path: Path) -> None:
    rules: Any = RULE
    for _ in range(19):
        rules = {"logic": "OR", "args": [rules, RULE]}
    assert condition(imported(tmp_path, template(attribute()), action(rules)))
    rules = {"logic": "AND", "args": [{"logic": "AND", "args": [rules]}]}
    [remark] = told(imported(tmp_path, template(attribute()), action(rules)), loss=True)
    assert "expected at most 20 levels of rules" in remark


def test_a_count_of_nothing_is_told(tmp_path: Path) -> None:
    few = action("seen,section,string,Count LT 2")
    result = imported(tmp_path, template(attribute(aggregationMode="Count")), few)
    assert condition(result) == {"attribute": "pages", "op": "lt", "value": 2}
    assert any("pages is absent, not 0" in remark for remark in told(result, loss=False))


@pytest.mark.parametrize(
    ("template_id", "ids", "taken"),
    [
        ("a", ["a", "b"], "seen"),
        ("b", ["a", "b"], "seen_b"),
        (None, [None], "seen"),
        ("a", [None], "seen"),
        ("c", ["a", "b"], None),
        ("c", ["a"], None),
        (None, ["a"], "seen"),
        (None, ["a", "b"], None),
    ],
)
def test_the_template_of_an_action(
    tmp_path: Path, template_id: str | None, ids: list[str | None], taken: str | None
) -> None:
    names = ["seen", "seen_b"]
    templates = [template(attribute(displayName=name), id=id_) for name, id_ in zip(names, ids, strict=False)]
    result = imported(tmp_path, templates, action(RULE, templateId=template_id))
    if taken is None:
        assert len(told(result, loss=True)) == 1
    else:
        assert condition(result)["attribute"] == taken


def test_an_action_that_does_not_say_that_it_is_active_is_not(tmp_path: Path) -> None:
    for active, expected in ((None, False), (False, False), (True, True)):
        result = imported(tmp_path, template(attribute()), action(RULE, isActive=active))
        assert yaml.safe_load(result.files["journeys/act.yaml"])["active"] is expected
        assert any("set active: true" in remark for remark in told(result, loss=False)) is (active is None)


def test_triggers_become_sends(tmp_path: Path) -> None:
    triggers = [
        {"type": "MSGraph", "Path": "/me", "body": {"to": "{{email}}", "on": None}},
        {"type": "msgraph"},
        {"type": "MSGraph"},
    ]
    result = imported(
        tmp_path, template(attribute()), action(RULE, actionTriggers=triggers), category=Category.ADVISORY
    )
    journey = yaml.safe_load(result.files["journeys/act.yaml"])
    assert journey["category"] == "advisory"
    assert [(step["send"], step["channel"]) for step in journey["steps"]] == [
        ("ms_graph", "ms_graph"),
        ("msgraph", "msgraph"),
        ("ms_graph_2", "ms_graph"),
    ]
    assert journey["steps"][0]["data"] == {
        "path": {"value": "/me"},
        "body": {"value": {"to": "{{email}}", "on": None}},
    }
    assert (
        "1.json: actionTriggers[0].body: placeholders in it are not filled; the channel is to fill them"
        in told(result, loss=False)
    )


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"actionTriggers": []}, "actionTriggers"),
        ({"actionTriggers": [{"webhookURL": "x"}]}, "actionTriggers[0].type"),
        ({"actionTriggers": ["Webhook"]}, "actionTriggers[0]"),
        ({"cooldownPeriodInMinutes": 60 * 24 * 36_501}, "cooldownPeriodInMinutes"),
        ({"cooldownPeriodInMinutes": -1}, "cooldownPeriodInMinutes"),
        ({"name": None}, "name"),
    ],
)
def test_actions_without_a_counterpart(tmp_path: Path, more: dict[str, Any], where: str) -> None:
    result = imported(tmp_path, template(attribute()), action(RULE, **more))
    assert list(result.files) == ["profiles.yaml"]
    assert [remark.where for remark in result.remarks if remark.loss] == [where]


@pytest.mark.parametrize(
    "shape",
    [
        lambda part: part,
        lambda part: [part],
        lambda part: {"meta": {"orgId": "o"}, "data": part},
        lambda part: {"Data": [part]},
        lambda part: {"templates": [part]},
    ],
)
def test_every_shape_of_a_file(tmp_path: Path, shape: Any) -> None:
    assert len(attributes(imported(tmp_path, shape(template(attribute()))))) == 1


def test_the_path_leads_through_the_answer_of_an_api(tmp_path: Path) -> None:
    result = imported(tmp_path, {"meta": {}, "data": [template(attribute(aggregationMode="x"))]})
    assert [remark.where for remark in result.remarks] == ["data[0].attributes[0].aggregationMode"]


@pytest.mark.parametrize("value", [{}, [1], "text", {"data": None}, {"attributes": 1}, {"name": "x"}])
def test_what_is_neither_a_template_nor_an_action_is_told(tmp_path: Path, value: Any) -> None:
    result = imported(tmp_path, json.dumps(value))
    assert result.files == {}
    assert len(told(result, loss=True)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name":\n  "x",}', "{}:2: not JSON: "),
        ("", "{}:1: not JSON: "),
        ('{"a": 1, "a": 2}', "{}: expected each key once, found 'a' twice in one object; correct it"),
        ('{"a": 1e999}', "{}: expected finite numbers, found 1e999; correct it"),
        ('{"a": NaN}', "{}: expected finite numbers, found NaN; correct it"),
        (f'{{"a": {1 << 63}}}', "{}: expected whole numbers of at most 64 bits, found 9223372036854775808"),
        ("[" * 100_000, "{}: nested too deeply; flatten it"),
    ],
)
def test_what_is_no_json_of_theirs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(InputError) as told_:
        read_exports([path])
    assert str(told_.value).startswith(message.format(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'"\xe9"')
    with pytest.raises(InputError, match="expected UTF-8, found the byte 0xe9"):
        read_exports([tmp_path / "latin.json"])
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_exports([tmp_path / "none.json"])


def test_two_spellings_of_one_key_are_refused(tmp_path: Path) -> None:
    result = imported(tmp_path, template({**attribute(), "Limit": 3}))
    assert told(result, loss=True) == [
        "0.json: attributes[0]: expected each key once, found 'Limit' beside another spelling; remove one; "
        "the attribute is left out: correct it"
    ]


def test_what_is_told_again_and_again_is_summed_up(tmp_path: Path) -> None:
    shown = {"widgetAttributes": {"type": "table"}}
    result = imported(tmp_path, template(*(attribute(displayName=name, **shown) for name in "abc")))
    [remark] = summed_up(result.remarks)
    assert remark.where == "attributes[0].widgetAttributes and 2 more"
