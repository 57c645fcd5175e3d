"""Conditions of the files as conditions of the model, with their names and values checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any as AnyValue

from schemas.timestamps import SECOND_US, format_rfc3339
from schemas.workspace.condition import All, Any, Condition, Not, Op, Scalar, Subject, Test, Value
from schemas.workspace.condition_file import AllFile, AnyFile, ConditionFile, NotFile, TestFile
from schemas.workspace.phrases import found, listed
from schemas.workspace.place import Place
from schemas.workspace.shape import Shape
from schemas.workspace.values import MAX_DURATION_US, duration_us, is_date, time_us
from schemas.workspace.vocabulary import Vocabulary

_ORDERED = {"number", "text", "timestamp", "date", "any"}
_TIMES = {"timestamp", "date", "any"}


@dataclass(frozen=True)
class Scope:
    """What a condition may look at.

    Attributes:
        events: the event types whose fields it sees; None where there is no event.
        sees_attributes: whether it sees the profile's attributes.
        sees_tables: whether it sees reference data, which profiles do not depend on.
    """

    vocabulary: Vocabulary
    events: tuple[str, ...] | None
    sees_attributes: bool
    sees_tables: bool = True


def compile_condition(place: Place, file: ConditionFile, scope: Scope) -> Condition:
    """The condition; tells of names that are not known and of ops and values that do not fit."""
    match file:
        case AllFile():
            return All(_compile_parts(place.at("all"), file.parts, scope))
        case AnyFile():
            return Any(_compile_parts(place.at("any"), file.parts, scope))
        case NotFile():
            return Not(compile_condition(place.at("not"), file.part, scope))
        case TestFile():
            return _compile_test(place, file, scope)


def _compile_parts(place: Place, files: list[ConditionFile], scope: Scope) -> tuple[Condition, ...]:
    return tuple(compile_condition(place.at(index), file, scope) for index, file in enumerate(files))


def _compile_test(place: Place, file: TestFile, scope: Scope) -> Test:
    subject, shapes = _subject(place, file, scope)
    if file.table is not None or file.column is not None:
        if not scope.sees_tables:
            place.at("table").add("expected no table, found one; tables are looked up in journeys only")
        lookup, shapes = scope.vocabulary.check_lookup(place, file.table, file.column, shapes)
        subject = replace(subject, lookup=lookup)
    misfits = [shape for shape in shapes if file.op not in _ops(subject, shape)]
    for shape in misfits:
        place.at("op").add(
            f"expected {listed(_ops(subject, shape))} for {subject}, which is {shape}, "
            f"found {file.op}; change the op"
        )
    return Test(subject, file.op, _value(place.at("value"), file, frozenset() if misfits else shapes))


def _subject(place: Place, file: TestFile, scope: Scope) -> tuple[Subject, frozenset[Shape]]:
    if file.attribute is not None and file.field is not None:
        place.at("field").add("expected an attribute or a field, found both; make it two tests within all")
    if file.attribute is not None:
        subject = Subject("attribute", file.attribute)
        if not scope.sees_attributes:
            place.at("attribute").add(
                f"expected a field of the event, found attribute {file.attribute!r}; "
                "attributes are seen by a journey's condition only"
            )
            return subject, frozenset()
        shape = scope.vocabulary.check_attribute(place.at("attribute"), file.attribute)
        return subject, frozenset({shape} if shape else ())
    if file.field is not None:
        if scope.events is None:
            place.at("field").add(
                f"expected an attribute, found field {file.field!r}; no event enters this journey"
            )
            return Subject("field", file.field), frozenset()
        return Subject("field", file.field), scope.vocabulary.check_field(
            place.at("field"), scope.events, file.field
        )
    place.add("expected what to test, found none; add attribute: NAME or field: PATH")
    return Subject("field", ""), frozenset()


def _ops(subject: Subject, shape: Shape) -> list[Op]:
    """The ops that fit, in the order in which they are documented."""
    if subject.kind == "attribute" and shape.container != "one":
        return [Op.CONTAINS, Op.EXISTS]
    fitting = {Op.EXISTS}
    if shape.kind != "object":
        fitting |= {Op.EQ, Op.NE, Op.IN}
    if shape.kind in _ORDERED:
        fitting |= {Op.GT, Op.GE, Op.LT, Op.LE}
    if shape.kind in _TIMES:
        fitting |= {Op.WITHIN}
    if shape.container == "map" or shape.kind in ("text", "bytes", "any"):
        fitting |= {Op.CONTAINS}
    if shape.container == "list" and shape.kind != "object":
        fitting |= {Op.CONTAINS}
    return [op for op in Op if op in fitting]


def _value(place: Place, file: TestFile, shapes: frozenset[Shape]) -> Value:
    """The value in the form that `Test` promises; tells of one that does not fit."""
    if file.op is Op.EXISTS:
        return _exists_value(place, file)
    if "value" not in file.model_fields_set:
        place.add(f"the key is missing; add what {file.op} compares with")
        return None
    value = file.value
    if file.op is Op.WITHIN:
        try:
            return duration_us(value, SECOND_US, MAX_DURATION_US)
        except ValueError as error:
            place.add(str(error))
            return None
    if file.op is Op.IN:
        if not isinstance(value, list) or not value:
            place.add(f"expected a list for in, found {found(value)}; write [{value or 'A, B'}]")
            return None
        return tuple(_scalar(place.at(index), entry, shapes) for index, entry in enumerate(value))
    if file.op is Op.CONTAINS:
        shapes = frozenset(Shape("text") if shape.container == "map" else shape for shape in shapes)
    return _scalar(place, value, shapes)


def _exists_value(place: Place, file: TestFile) -> bool:
    if "value" not in file.model_fields_set:
        return True
    if not isinstance(file.value, bool):
        place.add(f"expected true, false or no value for exists, found {found(file.value)}; remove it")
        return True
    return file.value


def _scalar(place: Place, value: AnyValue, shapes: frozenset[Shape]) -> Scalar:
    if value is None:
        place.add("expected a value, found nothing; to ask for absence write op: exists, value: false")
        return None
    if isinstance(value, (dict, list)):
        place.add(f"expected one text, number or boolean, found {found(value)}; write one value")
        return None
    kinds = {shape.kind for shape in shapes}
    for kind in sorted(kinds):
        _check_kind(place, value, kind)
    if kinds == {"timestamp"} and isinstance(value, str):
        try:
            return format_rfc3339(time_us(value))
        except ValueError:
            return value
    return value if isinstance(value, (str, bool, int, float)) else None


def _check_kind(place: Place, value: Scalar, kind: str) -> None:
    match kind:
        case "number" if isinstance(value, bool) or not isinstance(value, (int, float)):
            place.add(f"expected a number, found {found(value)}; write it without quotes")
        case "text" | "bytes" if not isinstance(value, str):
            place.add(f"expected text, found {found(value)}; put it in quotes")
        case "boolean" if not isinstance(value, bool):
            place.add(f"expected true or false, found {found(value)}; write one of them without quotes")
        case "date" if not isinstance(value, str) or not is_date(value):
            place.add(f"expected a date, found {found(value)}; write one such as 2026-01-31")
        case "timestamp":
            try:
                time_us(value)
            except ValueError as error:
                place.add(str(error))
