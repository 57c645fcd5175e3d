"""What profiles.yaml says: the attributes of every profile."""

from __future__ import annotations

from schemas.workspace.conditions import Scope, compile_condition
from schemas.workspace.files import AttributeFile, WrittenFile
from schemas.workspace.model import ANY_EVENT, Aggregate, Attribute
from schemas.workspace.phrases import listed
from schemas.workspace.place import Place, tell_repeated
from schemas.workspace.shape import Shape, attribute_shape
from schemas.workspace.validate import part
from schemas.workspace.vocabulary import Vocabulary

_COUNTING = {Aggregate.COUNT, Aggregate.SUM}
_KINDS = {
    Aggregate.SUM: ("number",),
    Aggregate.AVERAGE: ("number",),
    Aggregate.MIN: ("number", "text", "timestamp", "date"),
    Aggregate.MAX: ("number", "text", "timestamp", "date"),
}


def compile_attributes(
    place: Place, vocabulary: Vocabulary
) -> tuple[tuple[Attribute, ...], dict[str, Shape | None] | None]:
    """The attributes of all templates, and the shape of each name, None for one with mistakes.

    The shapes are None as a whole where a mistake hides a name.

    Attributes that journeys write have a shape only, and are made known to the vocabulary.

    Tells of names that stand twice, of unknown events and fields, and of aggregates that do not fit.
    """
    templates = place.document.get("templates")
    template_places = [
        place.at("templates", index) for index in range(len(templates) if isinstance(templates, list) else 0)
    ]
    tell_repeated("template name", ((here.at("name"), _get(here, "name")) for here in template_places))
    places = [here.at("attributes", index) for here in template_places for index in range(_length(here))]
    written = place.document.get("written")
    writes = [place.at("written", index) for index in range(len(written) if isinstance(written, list) else 0)]
    names = [(here.at("name"), _get(here, "name")) for here in (*places, *writes)]
    tell_repeated("attribute name", names)
    attributes = []
    shapes: dict[str, Shape | None] = {name: None for _, name in names if isinstance(name, str)}
    for here in places:
        file = part(here.document, here.location, AttributeFile)
        if file is None:
            continue
        attribute, shapes[file.name] = _compile(here, file, vocabulary)
        attributes.append(attribute)
    for here in writes:
        kind = part(here.document, here.location, WrittenFile)
        if kind is not None:
            shapes[kind.name] = Shape(kind.kind)
            vocabulary.written |= {kind.name}
    hidden = not isinstance(templates, list) or any(not isinstance(name, str) for _, name in names)
    return tuple(attributes), None if hidden else shapes


def _get(place: Place, key: str) -> object:
    return place.document.get(*place.location, key)


def _length(template: Place) -> int:
    attributes = _get(template, "attributes")
    return len(attributes) if isinstance(attributes, list) else 0


def _compile(place: Place, file: AttributeFile, vocabulary: Vocabulary) -> tuple[Attribute, Shape | None]:
    events = tuple(file.event) if isinstance(file.event, list) else (file.event,)
    if events != (ANY_EVENT,):
        vocabulary.check_events(place.at("event"), events, isinstance(file.event, list))
    if file.field is None and file.aggregate not in _COUNTING:
        place.at("aggregate").add(
            f"expected a field for {file.aggregate}, found none; add field, or count or sum the events"
        )
    fields: frozenset[Shape] = frozenset()
    if file.field is not None:
        fields = vocabulary.check_field(place.at("field"), events, file.field)
        _check_kinds(place.at("aggregate"), file, fields)
    where = None
    if file.where is not None:
        where = compile_condition(
            place.at("where"), file.where, Scope(vocabulary, events, False, sees_tables=False)
        )
    attribute = Attribute(file.name, events, file.field, file.aggregate, file.limit, file.lookback, where)
    known = bool(fields) or file.aggregate in (*_COUNTING, Aggregate.AVERAGE, Aggregate.DISTINCT)
    return attribute, attribute_shape(file, fields) if known else None


def _check_kinds(place: Place, file: AttributeFile, fields: frozenset[Shape]) -> None:
    fitting = _KINDS.get(file.aggregate)
    if fitting is None:
        return
    kinds = {shape.kind for shape in fields} - {"any"}
    if len(kinds) > 1 and kinds.issubset(fitting):
        place.add(
            f"expected a field of one kind over all events for {file.aggregate}, "
            f"found {file.field}, which is {' and '.join(sorted(kinds))}; make it an attribute for each event"
        )
    for kind in sorted(kinds.difference(fitting)):
        place.add(
            f"expected a field of kind {listed(fitting)} for {file.aggregate}, "
            f"found {file.field}, which is {kind}; change the aggregate or the field"
        )
