"""Journey actions of CJDS and their rules as journeys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.action import Category
from schemas.cjds import Imported
from tests.schemas.cjds.exports import (
    action,
    attribute,
    imported,
    template,
    told,
)

RULE = "seen,section,string,Value EQ crime"


def condition(result: Imported) -> Any:
    return yaml.safe_load(result.files["journeys/act.yaml"])["entry"]["condition"]


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
