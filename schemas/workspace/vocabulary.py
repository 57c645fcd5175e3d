"""The names that a workspace defines: what its files may refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.avro import Registry
from schemas.workspace.condition import Lookup
from schemas.workspace.messages import MessageTemplate
from schemas.workspace.model import ANY_EVENT
from schemas.workspace.phrases import listed, unknown
from schemas.workspace.place import Place
from schemas.workspace.reference import Table
from schemas.workspace.shape import ENVELOPE, Shape, field_paths, field_shape

_KEYS = ("text", "number", "any")


@dataclass
class Vocabulary:
    """What is known.

    A set is None where the file that defines it is not sound: then its names go unchecked, so that
    one mistake is told once.

    Attributes:
        unsound_types: event types whose schema files have mistakes.
        written: those attributes that journeys write.
        tables: of reference data.
        messages: the message templates; None also where there is no catalogue of them.
        attributes: each attribute's shape, None where its definition has mistakes.
    """

    registry: Registry | None
    unsound_types: frozenset[str]
    namespaces: frozenset[str] | None
    channels: frozenset[str] | None
    use_cases: frozenset[str] | None = None
    models: frozenset[str] | None = None
    messages: Mapping[str, MessageTemplate] | None = None
    attributes: dict[str, Shape | None] | None = field(default=None)
    written: frozenset[str] = frozenset()
    tables: Mapping[str, Table] | None = None

    def check_events(self, place: Place, events: tuple[str, ...], listed_events: bool) -> None:
        """Tells of event types that no schema defines, and of those that stand twice."""
        for index, event in enumerate(events):
            here = place.at(index) if listed_events else place
            if events.index(event) < index:
                here.add(f"expected each event type once, found {event!r} again; remove it")
            elif event == ANY_EVENT:
                here.add('expected an event type, found "*", which stands alone and for attributes only')
            else:
                self.check_event(here, event)

    def check_event(self, place: Place, event: str) -> None:
        """Tells of an event type that no schema defines."""
        if self.registry is None or event in self.unsound_types or self.registry.newest(event) is not None:
            return
        place.add(
            unknown(
                "event type", event, self.registry.types(), f"add schemas/{event}.v1.avsc or change the name"
            )
        )

    def check_channel(self, place: Place, channel: str) -> None:
        """Tells of a channel that workspace.yaml does not define."""
        _check(place, "channel", channel, self.channels, "add it to channels in workspace.yaml")

    def check_use_case(self, place: Place, use_case: str) -> None:
        """Tells of a use case that workspace.yaml does not define."""
        _check(place, "use case", use_case, self.use_cases, "add it to use_cases in workspace.yaml")

    def check_model(self, place: Place, model: str) -> None:
        """Tells of a model that workspace.yaml does not define."""
        _check(place, "model", model, self.models, "add it to models in workspace.yaml")

    def check_message(self, place: Place, name: str) -> MessageTemplate | None:
        """A message template; tells of one that messages.yaml does not have."""
        _check(place, "message template", name, self.messages, "add it to messages.yaml")
        return (self.messages or {}).get(name)

    def check_namespace(self, place: Place, namespace: str) -> None:
        """Tells of a namespace that workspace.yaml does not define."""
        _check(place, "namespace", namespace, self.namespaces, "add it to namespaces in workspace.yaml")

    def check_attribute(self, place: Place, attribute: str) -> Shape | None:
        """An attribute's shape; tells of an attribute that profiles.yaml does not define."""
        _check(place, "attribute", attribute, self.attributes, "add it to profiles.yaml")
        return (self.attributes or {}).get(attribute)

    def check_written(self, place: Place, attribute: str) -> None:
        """Tells of an attribute that journeys may not write."""
        if self.attributes is not None:
            _check(place, "written attribute", attribute, self.written, "add it to written in profiles.yaml")

    def check_lookup(
        self, place: Place, table: str | None, column: str | None, by: frozenset[Shape]
    ) -> tuple[Lookup | None, frozenset[Shape]]:
        """What a value of these shapes is to be looked up in, and the shapes of what is found.

        Tells of tables and columns that reference.yaml does not define, and of values that are no keys.
        """
        if table is None or column is None:
            lacking = "table" if table is None else "column"
            place.add(f"expected a table and a column, found no {lacking}; add it or remove the other")
            return None, frozenset()
        for shape in sorted(by, key=str):
            if shape.kind not in _KEYS or shape.container == "map":
                place.at("table").add(f"expected a text or a number to look up, found {shape}; take another")
        _check(place.at("table"), "table", table, self.tables, "add it to reference.yaml")
        known = (self.tables or {}).get(table)
        if known is None:
            return None, frozenset()
        _check(place.at("column"), f"column of {table}", column, known.columns, "add it in reference.yaml")
        kind = known.columns.get(column)
        shapes = frozenset(Shape(kind, shape.container) for shape in by) if kind else frozenset()
        return Lookup(table, column), shapes

    def check_field(self, place: Place, events: tuple[str, ...], path: str) -> frozenset[Shape]:
        """The shapes of a field over event types; tells of each type that does not have it."""
        if path.startswith("$"):
            _check(place, "field", path, ENVELOPE, f"write {listed(ENVELOPE)}")
            return frozenset({Shape(ENVELOPE[path])}) if path in ENVELOPE else frozenset()
        if ANY_EVENT in events:
            place.add(
                f"expected {listed(ENVELOPE)}, the fields that every event has, found {path!r}; "
                "name the event types instead of *"
            )
            return frozenset()
        shapes = set()
        for event in dict.fromkeys(events):
            schema = self.registry.newest(event) if self.registry is not None else None
            if schema is None or event in self.unsound_types:
                continue
            shape = field_shape(schema, path)
            if shape is None:
                what = f"field of {schema.type} version {schema.version}"
                place.add(
                    unknown(
                        what, path, field_paths(schema), f"add it to {schema.path.name} or change the name"
                    )
                )
            else:
                shapes.add(shape)
        return frozenset(shapes)


def _check(place: Place, what: str, name: str, known: Iterable[str] | None, otherwise: str) -> None:
    if known is not None and name not in known:
        place.add(unknown(what, name, known, otherwise))
