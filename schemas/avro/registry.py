"""The event schemas of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from schemas.avro.compatibility import forgotten_renames, lost_marks
from schemas.avro.definition import define
from schemas.avro.event_schema import EventSchema
from schemas.avro.house import check_definition, check_identities, is_record
from schemas.avro.kinds import fields_named
from schemas.avro.model import Record, Type
from schemas.avro.positions import Document, JsonError, Place, parse
from schemas.avro.resolution import resolve
from schemas.avro.soundness import Mistake
from schemas.errors import Problem


@dataclass(slots=True)
class _Loaded:
    path: Path
    document: Document
    record: Record


@dataclass(slots=True)
class Registry:
    """Event schemas by type and version."""

    _schemas: dict[str, dict[int, EventSchema]] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path, *more: Path) -> tuple[Registry, list[Problem]]:
        """The valid schemas of folders and their folders, and every problem in their `*.avsc` files.

        A version that cannot read the data of each version before it is a problem. With problems the
        registry holds what was valid.
        """
        if not folder.is_dir():
            return cls(), [Problem(folder, 1, "expected a folder of schemas, found none")]
        problems: list[Problem] = []
        loaded: dict[str, dict[int, _Loaded]] = {}
        for path in [path for each in (*more, folder) for path in sorted(each.rglob("*.avsc"))]:
            one = _load(path, problems)
            if one is None:
                continue
            event_type, version = one.document.value["eventType"], one.document.value["version"]
            known = loaded.setdefault(event_type, {}).setdefault(version, one)
            if known is not one:
                at = one.document.line(("eventType",))
                problems.append(
                    Problem(path, at, f"{event_type}/{version} is defined in {known.path} already")
                )
        registry = cls()
        for event_type, versions in sorted(loaded.items()):
            in_order = [versions[version] for version in sorted(versions)]
            problems += _compare(in_order)
            newest = in_order[-1]
            registry._schemas[event_type] = {
                one.document.value["version"]: EventSchema(
                    one.path, one.document.value, newest.document.value
                )
                for one in in_order
            }
        return registry, sorted(problems)

    def types(self) -> tuple[str, ...]:
        """The event types, in order."""
        return tuple(self._schemas)

    def versions(self, event_type: str) -> tuple[int, ...]:
        """The versions of a type, oldest first."""
        return tuple(self._schemas.get(event_type, ()))

    def newest(self, event_type: str) -> EventSchema | None:
        """The newest version of a type."""
        versions = self._schemas.get(event_type)
        return versions[max(versions)] if versions else None

    def find(self, event_type: str, version: int) -> EventSchema | None:
        """One version of a type."""
        return self._schemas.get(event_type, {}).get(version)

    def schemas(self) -> Iterator[EventSchema]:
        """Every schema, by type and version."""
        for versions in self._schemas.values():
            yield from versions.values()


def _load(path: Path, problems: list[Problem]) -> _Loaded | None:
    """A valid schema file; None, and its problems, for another."""
    try:
        document = parse(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        problems.append(Problem(path, 1, f"expected UTF-8, found other bytes at byte {error.start}"))
        return None
    except OSError as error:
        problems.append(Problem(path, 1, f"expected a readable file: {error.strerror}"))
        return None
    except JsonError as error:
        problems.append(Problem(path, error.line, str(error)))
        return None
    mistakes: list[Mistake] = [
        (place, f"expected {place[-1]!r} once in its object") for place in document.repeated
    ]
    mistakes += check_definition(document.value, path)
    record = None
    if is_record(document.value):
        record, wrong = define(document.value)
        mistakes += wrong
    if isinstance(record, Record):
        mistakes += check_identities(record)
    problems += [Problem(path, document.line(place), message) for place, message in mistakes]
    return _Loaded(path, document, record) if isinstance(record, Record) and not mistakes else None


def _compare(versions: list[_Loaded]) -> Iterator[Problem]:
    """The problems of each version with those before it, the nearest first."""
    for index, newer in enumerate(versions):
        for earlier in range(index - 1, -1, -1):
            older = versions[earlier]
            number = older.document.value["version"]
            sentences = resolve(newer.record, older.record)[1]
            if not sentences and earlier < index - 1:
                sentences = forgotten_renames(newer.record, versions[index - 1].record, older.record)
            if not sentences and earlier == index - 1:
                sentences = lost_marks(newer.record, older.record)
            for sentence in sentences:
                yield Problem(newer.path, _line(newer, sentence), f"cannot read version {number}: {sentence}")
            if sentences:
                break


def _line(one: _Loaded, sentence: str) -> int:
    """The line of the field that a sentence names, the record's where the field is gone."""
    path = sentence.split(" ")[1] if sentence.startswith("field ") else ""
    return one.document.line(_place(one.record, path) or ("name",))


def _place(record: Record, path: str) -> Place | None:
    steps = path.replace("[]", "").replace("{}", "").split(".")
    place: Place | None = None
    here: Type = record
    for step in steps:
        found = next(fields_named(here, step), None)
        if found is None:
            return place
        place, here = found.at, found.type
    return place
