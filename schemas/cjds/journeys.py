"""Journey actions as journeys."""

from __future__ import annotations

import json
import operator
import re
from typing import Any

from schemas.action import Category
from schemas.cjds.attributes import Known, op_and_value
from schemas.cjds.model import ActionTrigger, JourneyAction, parse, tell_unknown
from schemas.cjds.names import Names, slug
from schemas.cjds.remarks import At, RefusedError
from schemas.cjds.rules import Rule, condition_of, kind_of, value_of
from schemas.duration import format_duration
from schemas.timestamps import MINUTE_US
from schemas.workspace.condition import Op
from schemas.workspace.phrases import found
from schemas.workspace.values import MAX_DURATION_US, duration_us

_FROM_ZERO = ("count", "sum")
_HOLDS = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.GT: operator.gt,
    Op.GE: operator.ge,
    Op.LT: operator.lt,
    Op.LE: operator.le,
}
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|\$\(.*?\)")


def translate_action(
    at: At, file: JourneyAction, name: str, attributes: list[Known], category: Category
) -> dict[str, Any]:
    """The journey of an action.

    Args:
        attributes: those of the action's template.

    Raises:
        RefusedError: it has no counterpart.
    """
    condition = condition_of(
        at.at("rules"), file.rules, lambda place, rule: _attribute_test(place, rule, attributes)
    )
    entry: dict[str, Any] = {"condition": condition}
    if file.cooldown_period_in_minutes:
        entry["cooldown"] = _cooldown(at.at("cooldown_period_in_minutes"), file.cooldown_period_in_minutes)
    if not file.action_triggers:
        raise RefusedError(at.at("action_triggers"), "expected a trigger, found none", "add one")
    steps = Names("send")
    sends = [
        _send(at.at("action_triggers", index), trigger, name, steps)
        for index, trigger in enumerate(file.action_triggers)
    ]
    if file.is_active is None:
        at.at("is_active").note("is not said; the journey is not active: set active: true to let it act")
    at.note(f"CJDS has no category; it becomes {category.value}: check that it is right")
    at.at("rules").note("the journey acts when its rules come to hold, not again while they go on to hold")
    tell_unknown(at, file)
    return {
        "name": name,
        "version": 1,
        "active": file.is_active or False,
        "category": category.value,
        "entry": entry,
        "steps": sends,
    }


def _cooldown(at: At, minutes: int) -> str:
    cooldown = format_duration(minutes * MINUTE_US)
    try:
        duration_us(cooldown, MINUTE_US, MAX_DURATION_US)
    except ValueError as error:
        raise RefusedError(at, str(error), "shorten it") from None
    return cooldown


def _send(at: At, trigger: Any, template: str, steps: Names) -> dict[str, Any]:
    file = parse(at, trigger, ActionTrigger)
    channel = slug(file.type)
    if not channel[:1].isalpha():
        raise RefusedError(at.at("type"), f"expected a type with a name, found {found(file.type)}", "name it")
    at.at("type").note(f"{file.type} becomes the channel {channel}, which is to do what the trigger did")
    keys = Names("data")
    data = {}
    for key, value in file.unknown().items():
        data[keys.take(at.at(key), key)] = {"value": value}
        if _PLACEHOLDER.search(json.dumps(value)):
            at.at(key).note("placeholders in it are not filled; the channel is to fill them")
    send: dict[str, Any] = {"send": steps.take(at.at("type"), file.type), "channel": channel}
    send["template"] = template
    if data:
        send["data"] = data
    return send


def _attribute_test(at: At, rule: Rule, attributes: list[Known]) -> dict[str, Any]:
    like = [known for known in attributes if (known.event, known.field) == (rule.event, rule.field)]
    # The documentation's own examples write Value where they mean the attribute, whatever its aggregation.
    fitting = [known for known in like if known.mode == rule.mode] or (like if rule.mode == "value" else [])
    asked = f"{rule.mode.title()} of {rule.field!r} in {rule.event!r}"
    if len(fitting) != 1:
        number = f"{len(fitting)} of them" if fitting else "none"
        raise RefusedError(
            at, f"expected one attribute of the template that is {asked}, found {number}", "write the journey"
        )
    [known] = fitting
    if known.name is None:
        raise RefusedError(at, f"expected an attribute for {asked}, found one that is left out", "see there")
    if not known.several:
        test = op_and_value(at, rule, kind_of(at, known.type_name))
        if known.mode in _FROM_ZERO and _HOLDS[rule.op](0, test["value"]):
            at.note(f"{known.name} is absent, not 0, while no event counts; the test does not hold then")
        return {"attribute": known.name, **test}
    if rule.op is not Op.CONTAINS:
        raise RefusedError(
            at, f"expected HAS for {known.name}, which has several values, found {rule.op.value}", "write HAS"
        )
    # The keys of a count are text, whatever its field is.
    kind = "text" if known.mode == "distinct" else kind_of(at, known.type_name)
    return {"attribute": known.name, "op": rule.op.value, "value": value_of(at, rule.value, kind)}
