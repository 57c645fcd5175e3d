"""Where values come from that a journey sends, writes or ranks by, with their names checked."""

from __future__ import annotations

from schemas.workspace.condition import Lookup
from schemas.workspace.place import Place
from schemas.workspace.shape import Shape, literal_shape
from schemas.workspace.step_files import (
    AttributeSourceFile,
    DataSourceFile,
    FieldSourceFile,
    LiteralSourceFile,
    ModelSourceFile,
)
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource, LiteralSource, ModelSource
from schemas.workspace.vocabulary import Vocabulary


class Sources:
    """The sources of one journey.

    Args:
        events: the event types that enter it; None for one that no event enters.
    """

    def __init__(self, events: tuple[str, ...] | None, vocabulary: Vocabulary) -> None:
        self._events = events
        self._vocabulary = vocabulary

    def source(self, place: Place, file: DataSourceFile) -> tuple[DataSource, frozenset[Shape]]:
        """Where a value comes from, and its shapes, none where they are not known."""
        match file:
            case AttributeSourceFile():
                shape = self._vocabulary.check_attribute(place.at("attribute"), file.attribute)
                lookup, shapes = self._look_up(place, file, frozenset({shape} if shape else ()))
                return AttributeSource(file.attribute, lookup), shapes
            case FieldSourceFile():
                found = self.field(place.at("field"), file.field)
                lookup, shapes = self._look_up(place, file, found)
                numeric = lookup is None and {shape.kind for shape in found} == {"number"}
                return FieldSource(file.field, lookup, numeric), shapes
            case ModelSourceFile():
                self._vocabulary.check_model(place.at("model"), file.model)
                return ModelSource(file.model), frozenset({Shape("number")})
            case LiteralSourceFile():
                return LiteralSource(file.value), frozenset({literal_shape(file.value)})

    def _look_up(
        self, place: Place, file: AttributeSourceFile | FieldSourceFile, shapes: frozenset[Shape]
    ) -> tuple[Lookup | None, frozenset[Shape]]:
        """What is looked up by such a value, None for nothing; and the shapes of what comes of it."""
        if file.table is None and file.column is None:
            return None, shapes
        return self._vocabulary.check_lookup(place, file.table, file.column, shapes)

    def field(self, place: Place, path: str) -> frozenset[Shape]:
        """The shapes of a field of the entry event; tells where there is none."""
        if self._events is not None:
            return self._vocabulary.check_field(place, self._events, path)
        place.add(f"expected no field, as no event enters this journey, found {path!r}; take an attribute")
        return frozenset()

    def number(self, place: Place, file: DataSourceFile) -> DataSource:
        """Where a number comes from; tells of one that is none."""
        source, shapes = self.source(place, file)
        for shape in sorted(map(str, shapes - {Shape("number"), Shape("any")})):
            place.add(f"expected a number, found {shape}; take another attribute, field or value")
        return source
