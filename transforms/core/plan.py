"""The plan: what a workspace's templates and journeys read, compiled once by event type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from schemas.timestamps import format_rfc3339
from schemas.workspace.condition import Condition, Subject, leaves
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Attribute, Journey, Workspace
from schemas.workspace.steps import Branch, FieldSource, Send, Update, WaitFor, WaitUntilField, walk_steps
from transforms.core.attribute_values import read_attribute
from transforms.core.attributes import TIME_FIELD, Add, AttributeFold, Source, attribute_fold
from transforms.core.condition import Predicate, Read, compile_condition
from transforms.core.paths import values_of
from transforms.core.reference import NO_REFERENCE, Tables, looking_up
from transforms.core.responses import respond_of, response_paths
from transforms.core.scope import Scope, scope_subject
from transforms.core.statements import known_statement, say_of, statement_paths
from transforms.core.watch import watched_by

_ENVELOPE: dict[str, Read] = {
    TIME_FIELD: lambda event: [format_rfc3339(event.time_us)],
    "$id": lambda event: [event.event_id],
    "$source": lambda event: [event.source],
    "$type": lambda event: [event.type],
}

LEAD = "lead.created"
LEAD_ENDS = "valid_until"
"""The field of a lead that says when it ends."""


class EntryPlan(NamedTuple):
    """How events of one type enter one journey: which of them, their keys, and the fields that it reads."""

    journey: Journey
    where: Predicate | None
    key: Read | None
    fields: tuple[tuple[str, Read], ...]


class ExitPlan(NamedTuple):
    """How events of one type end runs of one journey: which of them, and the runs' keys; None for all."""

    where: Predicate | None
    key: Read | None


class TypePlan:
    """What is read from events of one type, and who listens to them.

    Attributes:
        paths: the data paths that are read, in the order of `FoldEvent.values`.
        say: what takes the event into a person's statements; None for one that says nothing.
        respond: what takes it into their responses; None for one that answers nothing.
        adds: what adds the event to attributes, one function for each of them.
        entries: the journeys that it may enter.
        watched: the journeys for which it may change what is watched.
        goals: the journeys whose goal it is, and how long after an action it counts, in microseconds.
        exits: by journey and version, how it ends their runs.
        awaited: by journey, version and path of a step that waits for it, which of them do; None for all.
    """

    def __init__(
        self, event_type: str, workspace: Workspace, folds: dict[str, AttributeFold], tables: Tables
    ) -> None:
        self._tables = tables
        attributes = [
            attribute
            for attribute in workspace.attributes
            if event_type in attribute.events or "*" in attribute.events
        ]
        entered = [
            (journey, journey.entry)
            for journey in workspace.journeys
            if isinstance(journey.entry, EventEntry) and event_type in journey.entry.events
        ]
        exits = [
            (journey, item)
            for journey in workspace.versions()
            for item in journey.exits
            if item.event == event_type
        ]
        wanted: set[str] = set()
        for attribute in attributes:
            wanted |= _attribute_paths(attribute)
        for journey, entry in entered:
            wanted |= journey_paths(journey) | _paths(entry.where) | _path(entry.key)
        for _, item in exits:
            wanted |= _paths(item.where) | _path(item.key)
        waits = {
            (journey.name, journey.version, step.path): step.where
            for journey in workspace.versions()
            for step in walk_steps(journey.steps)
            if isinstance(step, WaitFor) and event_type in step.events
        }
        for where in waits.values():
            wanted |= _paths(where)
        wanted.update(statement_paths(event_type), response_paths(event_type))
        self.paths = tuple(sorted(path for path in wanted if not path.startswith("$")))
        self.adds = tuple(self._add(attribute, folds[attribute.name]) for attribute in attributes)
        self.entries = tuple(
            EntryPlan(
                journey,
                self._predicate(entry.where),
                None if entry.key is None else self.read(entry.key),
                tuple((path, self.read(path)) for path in sorted(journey_paths(journey))),
            )
            for journey, entry in entered
        )
        self.watched = tuple(
            journey.name for journey in workspace.journeys if watched_by(journey, event_type, workspace)
        )
        self.exits: dict[tuple[str, int], list[ExitPlan]] = {}
        for journey, item in exits:
            key = None if item.key is None else self.read(item.key)
            plan = ExitPlan(self._predicate(item.where), key)
            self.exits.setdefault((journey.name, journey.version), []).append(plan)
        self.awaited = {place: self._predicate(where) for place, where in waits.items()}
        self.say = say_of(event_type, workspace, self.read)
        self.respond = respond_of(event_type, self.read)
        self.goals = {
            journey.name: journey.goal.within_us
            for journey in workspace.journeys
            if journey.goal is not None and event_type in journey.goal.events
        }
        self.decides = bool(self.entries or self.watched or self.goals)

    def _predicate(self, where: Condition | None) -> Predicate | None:
        return None if where is None else compile_condition(where, self._subject)

    def read(self, path: str) -> Read:
        """A function from a fold event to its values at a path."""
        if path.startswith("$"):
            return _ENVELOPE[path]
        index = self.paths.index(path)
        return lambda event: values_of(event.values[index])

    def _add(self, attribute: Attribute, fold: AttributeFold) -> Add:
        """What adds an event to an attribute, if it is one that counts there."""
        add = fold.bind(self._source(attribute.field, fold.keeps_time))
        if attribute.where is None:
            return add
        where = compile_condition(attribute.where, self._subject)
        return lambda states, event: add(states, event) if where(event, event.time_us) else 0

    def _source(self, path: str | None, keeps_time: bool) -> Source:
        """Where an attribute's field is in an event; a time that is kept, in microseconds."""
        if path is None:
            return Source(lambda event: None)
        if keeps_time:
            return Source(lambda event: event.time_us)
        if path.startswith("$"):
            read = _ENVELOPE[path]
            return Source(lambda event: read(event)[0])
        index = self.paths.index(path)
        return Source(lambda event: event.values[index], index)

    def _subject(self, subject: Subject) -> Read:
        return looking_up(self.read(subject.name), subject.lookup, self._tables)


Models = Mapping[str, Callable[[Sequence[float]], float]]
"""Models by name: from the values of their inputs to a score, 0 to 1."""

NO_MODELS: Models = MappingProxyType({})


class Plan:
    """A workspace, compiled for the fold and the decisions.

    Attributes:
        subject: how the subjects of journeys' conditions are read.
    """

    def __init__(
        self, workspace: Workspace, models: Models = NO_MODELS, tables: Tables = NO_REFERENCE.tables
    ) -> None:
        self.workspace = workspace
        self.tables = tables
        self._models = models
        self.lateness_us = workspace.allowed_lateness_us
        self.folds = {
            attribute.name: attribute_fold(attribute, _is_number(attribute, workspace))
            for attribute in workspace.attributes
        }
        self.types = {
            event_type: TypePlan(event_type, workspace, self.folds, tables)
            for event_type in workspace.registry.types()
        }
        self.subject = scope_subject(self.folds, tables)
        self.adds = {event_type: plan.adds for event_type, plan in self.types.items()}
        self.says = {name: plan.say for name, plan in self.types.items() if plan.say is not None}
        self.responds = {name: plan.respond for name, plan in self.types.items() if plan.respond is not None}
        self.known_statement = known_statement(workspace)
        self.journeys = {journey.name: journey for journey in workspace.journeys}

    def score(self, model: str, scope: Scope) -> float:
        """What a model gives a person now; what has no value, or is no number, counts 0."""
        inputs = self.workspace.models[model].inputs
        return self._models[model]([_number(name, scope, self.folds) for name in inputs])


def _number(name: str, scope: Scope, folds: Mapping[str, AttributeFold]) -> float:
    value = read_attribute(scope.profile, name, folds, scope.as_of_us)
    return float(value) if isinstance(value, int | float | Decimal) else 0.0


def journey_paths(journey: Journey) -> set[str]:
    """The entry event's fields that a journey reads on its way."""
    paths = _paths(journey.condition)
    if isinstance(journey.propensity, FieldSource):
        paths.add(journey.propensity.path)
    if isinstance(journey.entry, EventEntry) and LEAD in journey.entry.events:
        paths.add(LEAD_ENDS)
    for step in walk_steps(journey.steps):
        match step:
            case Send():
                paths |= {source.path for source in step.data.values() if isinstance(source, FieldSource)}
            case Update(source=FieldSource(path=path)):
                paths.add(path)
            case WaitUntilField():
                paths.add(step.field)
            case WaitFor():
                paths |= _paths(step.condition)
            case Branch():
                for arm in step.arms:
                    paths |= _paths(arm.condition)
    return paths


def _attribute_paths(attribute: Attribute) -> set[str]:
    return _paths(attribute.where) | ({attribute.field} if attribute.field else set())


def _path(path: str | None) -> set[str]:
    return set() if path is None else {path}


def _paths(condition: Condition | None) -> set[str]:
    return {test.subject.name for test in leaves(condition) if test.subject.kind == "field"}


def _is_number(attribute: Attribute, workspace: Workspace) -> bool:
    if attribute.field is None:
        return True
    for event_type in attribute.events:
        newest = workspace.registry.newest(event_type)
        if newest is not None:
            return bool(newest.field_kind(attribute.field) == "number")
    return False
