"""`generate.yaml`: what makes a generated firehose look like the business it stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from schemas.duration import parse_duration
from schemas.errors import WorkspaceError
from schemas.timestamps import DAY_US
from schemas.workspace import Workspace
from schemas.workspace.document import Location, read_document
from schemas.workspace.validate import validate

_FORMAT = re.compile(r"[^%\s\"\\]*%(?:0\d{1,2})?[dx][^%\s\"\\]*")


def _number_format(text: str) -> str:
    if not _FORMAT.fullmatch(text):
        raise ValueError(f"expected text with one number such as C%06d or k%08x, found {text!r}")
    return text


def _duration(text: str) -> str:
    parse_duration(text)
    return text


def _window_us(durations: tuple[str, str]) -> tuple[int, int]:
    return parse_duration(durations[0]), parse_duration(durations[1])


Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NumberFormat = Annotated[str, AfterValidator(_number_format)]
Duration = Annotated[str, AfterValidator(_duration)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldHint(_Strict):
    """Where one field's values come from; without a hint they follow from the field's Avro type.

    Attributes:
        values: one of these, each as likely as the others.
        pool: a column of a row of a pool. All fields of an event that name one pool share a row, and
            so do its follow-ups; each element of an array takes a row of its own.
        range: a number from the first to the second, both included.
        person: something of the person's own.
        number: a number that is drawn once, in `format`. All fields of an event that name it share it, and
            so do its follow-ups about the same rows: an order's, an appointment's.
        format: of the number, such as `A%06d`.
        ahead: a time at least and at most so long after the event, on the quarter of an hour before.
        daytime: with `ahead`, the least and the greatest time of that UTC day, as time since its midnight.
        length: of an array or a map, at least and at most.
        present: the share of events in which an optional field has a value.
    """

    values: tuple[Any, ...] | None = Field(default=None, min_length=1)
    pool: str | None = None
    column: str | None = None
    range: tuple[float, float] | None = None
    person: Literal["name", "city", "postal_code"] | None = None
    number: str | None = None
    format: NumberFormat | None = None
    ahead: tuple[Duration, Duration] | None = None
    daytime: tuple[Duration, Duration] | None = None
    length: tuple[int, int] | None = None
    present: Share = 1.0

    @property
    def ahead_us(self) -> tuple[int, int]:
        """The least and the greatest time after the event, in microseconds; zero without `ahead`."""
        return _window_us(self.ahead or ("0s", "0s"))

    @property
    def daytime_us(self) -> tuple[int, int] | None:
        """The least and the greatest time since midnight, in microseconds."""
        return None if self.daytime is None else _window_us(self.daytime)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        sources = ("values", "pool", "range", "person", "number", "ahead")
        given = [name for name in sources if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one source of values, found {' and '.join(given)}")
        if (self.pool is None) != (self.column is None):
            raise ValueError("expected pool and column together")
        if (self.number is None) != (self.format is None):
            raise ValueError("expected number and format together")
        if self.ahead is not None and self.ahead_us[0] > self.ahead_us[1]:
            raise ValueError("expected ahead: [least, greatest]")
        daytime_us = self.daytime_us
        if daytime_us is not None and (self.ahead is None or not daytime_us[0] <= daytime_us[1] < DAY_US):
            raise ValueError("expected daytime: [least, greatest] below 24h, with ahead")
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError("expected range: [least, greatest]")
        if self.length is not None and not 0 <= self.length[0] <= self.length[1] <= 1000:
            raise ValueError("expected length: [least, greatest] between 0 and 1000")
        return self


class FollowUp(_Strict):
    """What the same person may do next.

    Attributes:
        event: the event type.
        share: how many of the events have this follow-up.
        after: the least and the greatest time between the two.
        same: whether it is about the same rows of the pools.
    """

    event: str
    share: Share
    same: bool = True
    after: tuple[Duration, Duration]

    @property
    def window_us(self) -> tuple[int, int]:
        """The least and the greatest time between the two, in microseconds."""
        return _window_us(self.after)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.window_us[0] > self.window_us[1]:
            raise ValueError("expected after: [least, greatest]")
        return self


class TypeHint(_Strict):
    """How one event type comes about.

    Attributes:
        weight: how often it happens by itself, against the other types.
        source: the CloudEvents source.
        identities: namespaces for the envelope's identity, the first that the person has; an empty
            list where the data names the person; any that the person has by default.
        anonymous: the share of events whose envelope takes the last of these instead of the first.
        link: the namespace of `previousidentity`, where the person has it.
        known_by: namespaces that a person must have to do this at all.
        once: a person does it at most once.
        old_versions: the share of events written in an older version of the schema.
        fields: dot path -> hint.
        then: follow-ups; each is drawn by itself.
    """

    weight: Weight = 1.0
    source: str | None = Field(default=None, pattern=r"^[A-Za-z0-9\-._~:/?#@!$&'()*+,;=]+$")
    identities: tuple[str, ...] | None = None
    anonymous: Share = 0.0
    link: str | None = None
    known_by: tuple[str, ...] = ()
    once: bool = False
    old_versions: Share = 0.2
    fields: dict[str, FieldHint] = {}
    then: tuple[FollowUp, ...] = ()


class PeopleHint(_Strict):
    """A kind of people: the namespaces that they are known by."""

    weight: Weight = 1.0
    identities: tuple[str, ...] = Field(min_length=1)


class Realism(_Strict):
    """A workspace's generate.yaml. The empty one serves every workspace.

    Attributes:
        hours: how busy each hour of the UTC day is, against the others.
        people: kinds of people; by default each namespace alone, and all of them together.
        identities: namespace -> format of its values, with the person's number.
        pools: name -> rows; rows nearer to the top are drawn more often.
        types: event type -> hint; a type without one has weight 1, or 0 where others are named.
    """

    hours: tuple[Weight, ...] = Field(default=(1.0,) * 24, min_length=24, max_length=24)
    people: tuple[PeopleHint, ...] = ()
    identities: dict[str, NumberFormat] = {}
    pools: dict[str, Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]] = {}
    types: dict[str, TypeHint] = {}


def read_realism(path: Path, workspace: Workspace) -> Realism:
    """The realism that a generate.yaml describes.

    Raises:
        WorkspaceError: with every problem: it is no YAML, has unknown keys, or names what the
            workspace doesn't have.
    """
    document, problems = read_document(path)
    if document is None:
        raise WorkspaceError(problems)
    if document.value is None:
        return Realism()
    realism, found = validate(document, Realism)
    problems += found
    if realism is not None:
        problems += [document.problem(place, message) for place, message in _unknown(realism, workspace)]
    if problems or realism is None:
        raise WorkspaceError(problems)
    return realism


def _unknown(realism: Realism, workspace: Workspace) -> list[tuple[Location, str]]:
    """The names that the workspace or the file itself doesn't have, with their places."""
    namespaces = [namespace.name for namespace in workspace.namespaces]
    types = workspace.registry.types()
    found: list[tuple[Location, str]] = []

    def check(name: str, known: Sequence[str], what: str, *place: str | int) -> None:
        if name not in known:
            found.append((place, f"expected {what}, one of {', '.join(known)}; found {name!r}"))

    for namespace in realism.identities:
        check(namespace, namespaces, "a namespace", "identities", namespace)
    for index, kind in enumerate(realism.people):
        for namespace in kind.identities:
            check(namespace, namespaces, "a namespace", "people", index, "identities")
    for name, hint in realism.types.items():
        check(name, types, "an event type", "types", name)
        linked = () if hint.link is None else (hint.link,)
        for key, names in (("identities", hint.identities), ("known_by", hint.known_by), ("link", linked)):
            for namespace in names or ():
                check(namespace, namespaces, "a namespace", "types", name, key)
        for index, follow_up in enumerate(hint.then):
            check(follow_up.event, types, "an event type", "types", name, "then", index, "event")
        schemas = [workspace.registry.find(name, version) for version in workspace.registry.versions(name)]
        for path, field in hint.fields.items():
            place = ("types", name, "fields", path)
            if schemas and not any(schema and schema.field_kind(path) for schema in schemas):
                found.append((place, f"expected a field of {name}, found {path!r}"))
            if field.pool is not None:
                check(field.pool, tuple(realism.pools), "a pool", *place)
                for row in realism.pools.get(field.pool, ()):
                    check(str(field.column), tuple(row), "a column of every row of the pool", *place)
    if realism.people and not any(kind.weight for kind in realism.people):
        found.append((("people",), "expected a weight above 0, found none"))
    if not any(realism.hours):
        found.append((("hours",), "expected a weight above 0, found none"))
    return found
