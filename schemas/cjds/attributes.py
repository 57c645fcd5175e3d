"""Attributes of profile view templates as attributes of profiles.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.cjds.model import ViewAttribute, tell_unknown
from schemas.cjds.names import EventTypes, field_path
from schemas.cjds.remarks import At, RefusedError
from schemas.cjds.rules import Rule, condition_of, kind_of, value_of
from schemas.timestamps import MINUTE_US
from schemas.workspace.condition import Op
from schemas.workspace.model import ANY_EVENT, Aggregate
from schemas.workspace.phrases import found
from schemas.workspace.values import MAX_LOOKBACK_US, duration_us

ANY_OF_THEIRS = "cjds:any"
MOST_ENTRIES = 1000
MONTH_DAYS = 30
OPS_OF_KIND = {
    "text": (Op.EQ, Op.NE, Op.CONTAINS),
    "number": (Op.EQ, Op.NE, Op.GT, Op.GE, Op.LT, Op.LE),
    "boolean": (Op.EQ, Op.NE),
}

# Their Count is a number of events; their Distinct are the values, which a count of a field has as keys.
_AGGREGATES = {
    "value": Aggregate.VALUE,
    "count": Aggregate.COUNT,
    "sum": Aggregate.SUM,
    "min": Aggregate.MIN,
    "max": Aggregate.MAX,
    "average": Aggregate.AVERAGE,
    "distinct": Aggregate.COUNT,
}
_MODES = ", ".join(mode.title() for mode in _AGGREGATES)
_UNITS = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "d", "second": "s"}


@dataclass(frozen=True)
class Known:
    """An attribute as rules of actions look for it.

    Attributes:
        name: in profiles.yaml; None where it was left out.
        event, field: as the export has them.
        mode: in lower case.
        several: whether its value is a list or a map.
        type_name: of its values, as the export has it.
    """

    name: str | None
    event: str
    field: str | None
    mode: str
    several: bool
    type_name: str


def known_attribute(file: ViewAttribute, name: str | None) -> Known:
    """The attribute, named so in profiles.yaml."""
    mode = file.aggregation_mode.lower()
    several = mode == "distinct" or (mode == "value" and file.limit != 1)
    type_name = "number" if mode in ("count", "sum", "average") else file.meta_data_type
    return Known(name, file.event, file.meta_data, mode, several, type_name)


def translate_attribute(at: At, file: ViewAttribute, name: str, types: EventTypes) -> dict[str, Any]:
    """The attribute as profiles.yaml has it.

    Raises:
        RefusedError: it has no counterpart.
    """
    mode = file.aggregation_mode.lower()
    if mode not in _AGGREGATES:
        raise RefusedError(
            at.at("aggregation_mode"),
            f"expected {_MODES}, found {found(file.aggregation_mode)}",
            "choose one of them",
        )
    any_event = file.event.lower() == ANY_OF_THEIRS
    if any_event and file.meta_data:
        raise RefusedError(
            at.at("event"),
            f"expected an event type, found {file.event}, and not every event has {file.meta_data}",
            "write an attribute with the list of its event types",
        )
    if not file.meta_data and mode != "count":
        raise RefusedError(
            at.at("meta_data"), f"expected a field for {file.aggregation_mode}, found none", "add it"
        )
    field = field_path(at.at("meta_data"), file.meta_data) if file.meta_data else None
    result: dict[str, Any] = {
        "name": name,
        "event": ANY_EVENT if any_event else types.take(at.at("event"), file.event),
    }
    if field is not None and mode != "count":
        result["field"] = field
    result["aggregate"] = _AGGREGATES[mode].value
    limit = _limit(at.at("limit"), file.limit, mode)
    if limit is not None:
        result["limit"] = limit
    lookback = _lookback(at, file)
    if lookback is not None:
        result["lookback"] = lookback
    where = _where(at, file, field if mode == "count" else None)
    if where is not None:
        result["where"] = where
    _tell_display(at, file)
    return result


def _limit(at: At, limit: int | None, mode: str) -> int | None:
    if limit == 0:
        at.note("0 is taken as no limit")
    if limit is not None and limit > MOST_ENTRIES:
        at.lose(f"expected at most {MOST_ENTRIES}, found {limit}; the newest {MOST_ENTRIES} count: lower it")
        return MOST_ENTRIES
    if not limit and mode == "value":
        at.note(f"without a limit, the newest {MOST_ENTRIES} values are kept")
        return MOST_ENTRIES
    return limit or None


def _lookback(at: At, file: ViewAttribute) -> str | None:
    name, period = file.look_back_duration_type, file.look_back_period
    if name is None and period is None:
        return None
    unit = (name or "").lower()
    if unit == "none":
        return None
    unit = unit.removesuffix("s")
    if unit not in _UNITS:
        units = ", ".join(f"{known}s" for known in _UNITS)
        raise RefusedError(
            at.at("look_back_duration_type"), f"expected {units} or none, found {found(name)}", "choose one"
        )
    if period is None:
        raise RefusedError(at.at("look_back_period"), f"expected a number of {name}, found none", "add it")
    if unit == "month":
        at.at("look_back_duration_type").note(f"a month becomes {MONTH_DAYS} days")
        period *= MONTH_DAYS
    lookback = f"{period}{_UNITS[unit]}"
    try:
        duration_us(lookback, MINUTE_US, MAX_LOOKBACK_US)
    except ValueError as error:
        raise RefusedError(at.at("look_back_period"), str(error), "choose another period") from None
    return lookback


def _where(at: At, file: ViewAttribute, counted: str | None) -> dict[str, Any] | None:
    """Which events count; of those that are counted by a field only the ones that have it."""
    condition = None
    if file.rules is not None:
        condition = condition_of(
            at.at("rules"), file.rules, lambda place, rule: _field_test(place, rule, file)
        )
    if counted is None:
        return condition
    present = {"field": counted, "op": Op.EXISTS.value}
    if condition is None:
        return present
    return condition if condition.get("field") == counted else {"all": [present, condition]}


def _field_test(at: At, rule: Rule, file: ViewAttribute) -> dict[str, Any]:
    if rule.event != file.event:
        raise RefusedError(
            at, f"expected the attribute's own event {file.event!r}, found {rule.event!r}", "change it"
        )
    if rule.mode != "value":
        raise RefusedError(
            at, f"expected Value, as rules see one event, found {rule.mode.title()}", "write Value"
        )
    own_type = file.meta_data_type if rule.field == file.meta_data else "string"
    kind = kind_of(at, rule.kind or own_type)
    return {"field": field_path(at, rule.field), **op_and_value(at, rule, kind)}


def op_and_value(at: At, rule: Rule, kind: str) -> dict[str, Any]:
    """What a test compares with, and how.

    Raises:
        RefusedError: it does not fit the kind.
    """
    if rule.op not in OPS_OF_KIND[kind]:
        ops = ", ".join(op.value for op in OPS_OF_KIND[kind])
        raise RefusedError(
            at, f"expected {ops} for a {kind}, found {rule.op.value}", "choose another operator"
        )
    return {"op": rule.op.value, "value": value_of(at, rule.value, kind)}


def _tell_display(at: At, file: ViewAttribute) -> None:
    if file.widget_attributes is not None:
        at.at("widget_attributes").note("says how to display it; it is left out")
    if file.verbose:
        at.at("verbose").note("asks for the events themselves, which are on the tape; it is left out")
    tell_unknown(at, file)
