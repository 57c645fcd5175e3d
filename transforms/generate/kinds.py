"""The event types of a generated firehose, compiled: who does them, what they hold, what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.avro import EventSchema
from schemas.errors import Problem, WorkspaceError
from schemas.workspace import Workspace
from schemas.workspace.load import OWN_EVENTS
from transforms.generate.crowd import Crowd
from transforms.generate.leaves import Draw, Maker
from transforms.generate.realism import Realism, TypeHint
from transforms.generate.values import Makers, naming_of


@dataclass(frozen=True, slots=True)
class Written:
    """One version of a type, as it is written.

    Attributes:
        dataschema: the member that names an old version, with a comma behind it; empty for the newest.
        make: the maker of the data.
        named: mask of the namespaces that every event's data has.
        optional: mask of those that the data has where the person is known by them.
    """

    dataschema: str
    make: Maker
    named: int
    optional: int


@dataclass(frozen=True, slots=True)
class Next:
    """One follow-up, compiled: how often, which type, after how long, and whether about the same rows."""

    share: float
    type_index: int
    least_us: int
    most_us: int
    same: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """One event type.

    Attributes:
        head: of the line, from the source up to the opening quote of the time.
        weight: how often it happens by itself.
        newest: the newest version.
        older: all others.
        old_share: the share of events written in one of those.
        envelope: indexes of namespaces for the envelope's identity, in order of preference; None for
            any that the person has, empty where the data names the person.
        anonymous: the share of events whose envelope takes the last that fits instead of the first.
        link: index of the namespace of the previous identity; None for none.
        known_by: mask of namespaces that a person must have.
        done: for a type that happens once a person, a byte for each person; None for all others.
        punctual: whether it never comes late: what happens once, and what cjaas itself understands, since
            what persons say counts however late it comes.
        then: what the person may do next.
        wrong_field: a required field and a value that is none of its type; None where there is none.
        nameless: whether the data of a person who is known by nothing names nobody.
    """

    name: str
    head: str
    weight: float
    newest: Written
    older: tuple[Written, ...]
    old_share: float
    envelope: tuple[int, ...] | None
    anonymous: float
    link: int | None
    known_by: int
    done: bytearray | None
    punctual: bool
    then: tuple[Next, ...]
    wrong_field: tuple[str, Any] | None
    nameless: bool


def compile_kinds(
    workspace: Workspace,
    realism: Realism,
    crowd: Crowd,
    draw: Draw,
    weights: Mapping[str, float] | None,
) -> list[Kind]:
    """The kinds of all types that can occur, in the order of their names.

    Args:
        weights: replaces the weights of realism; types it doesn't name don't occur at all.

    Raises:
        WorkspaceError: a hint doesn't fit its field.
    """
    registry = workspace.registry
    names = sorted(weights if weights is not None else registry.types())
    problems: list[Problem] = []
    kinds: list[Kind] = []
    for name in names:
        newest = registry.newest(name)
        assert newest is not None
        # What cjaas itself understands occurs where it is asked for: at random it would say nothing.
        is_own = newest.path.parent == OWN_EVENTS
        unnamed = not realism.types and not is_own
        hint = realism.types.get(name, TypeHint(weight=1.0 if unnamed or weights is not None else 0.0))
        schemas = [registry.find(name, version) for version in registry.versions(name)]
        try:
            written = [
                _written(schema, newest, hint, realism, crowd, draw)
                for schema in schemas
                if schema is not None
            ]
        except ValueError as error:
            problems.append(Problem(workspace.directory / "generate.yaml", 1, f"types.{name}: {error}"))
            continue
        kinds.append(
            Kind(
                name=name,
                head=f'"source":"{hint.source or f"/{workspace.name}/generated"}","type":"{name}","time":"',
                weight=weights[name] if weights is not None else hint.weight,
                newest=written[-1],
                older=tuple(written[:-1]),
                old_share=hint.old_versions if len(written) > 1 else 0.0,
                envelope=_envelope(hint, crowd, written),
                anonymous=hint.anonymous,
                link=None if hint.link is None else crowd.names.index(hint.link),
                known_by=_mask(hint.known_by, crowd),
                done=bytearray(crowd.size) if hint.once else None,
                punctual=hint.once or is_own,
                then=tuple(
                    Next(
                        follow_up.share,
                        names.index(follow_up.event),
                        *follow_up.window_us,
                        follow_up.same,
                    )
                    for follow_up in hint.then
                    if follow_up.event in names
                ),
                wrong_field=_wrong_field(newest.definition),
                nameless=not written[-1].named
                and len(newest.identity_fields) == written[-1].optional.bit_count(),
            )
        )
    if problems:
        raise WorkspaceError(problems)
    return kinds


def identity_formats(workspace: Workspace, realism: Realism) -> dict[str, str]:
    """The formats of identities: those of realism, but UUIDs where a schema wants them."""
    formats: dict[str, str] = dict(realism.identities)
    for schema in workspace.registry.schemas():
        identities = dict(schema.identity_fields)
        for part in schema.definition["fields"]:
            namespace, naming = identities.get(part["name"]), naming_of(part["type"])
            if namespace is not None and naming is not None and naming.uuid:
                formats[namespace] = "00000000-0000-4000-8000-%012x"
    return formats


def _written(
    schema: EventSchema,
    newest: EventSchema,
    hint: TypeHint,
    realism: Realism,
    crowd: Crowd,
    draw: Draw,
) -> Written:
    identities = dict(newest.identity_fields)
    makers = Makers(draw, crowd, realism.pools, hint.fields, identities)
    named = optional = 0
    for part in schema.definition["fields"]:
        namespace, naming = identities.get(part["name"]), naming_of(part["type"])
        if namespace is None or naming is None:
            continue
        if naming.optional:
            optional |= _mask((namespace,), crowd)
        else:
            named |= _mask((namespace,), crowd)
    return Written(
        dataschema="" if schema is newest else f'"dataschema":"https://schemas.example/{schema.name}",',
        make=makers.record(schema.definition),
        named=named,
        optional=optional,
    )


def _envelope(hint: TypeHint, crowd: Crowd, written: list[Written]) -> tuple[int, ...] | None:
    """An empty preference stands only where the data of every version names the person."""
    if hint.identities is None or (not hint.identities and not all(version.named for version in written)):
        return None
    return tuple(crowd.names.index(name) for name in hint.identities)


def _mask(names: tuple[str, ...], crowd: Crowd) -> int:
    return sum(1 << crowd.names.index(name) for name in set(names))


def _wrong_field(definition: dict[str, Any]) -> tuple[str, Any] | None:
    """The first field that is no union, with an array for all types but arrays, which get a number."""
    for part in definition["fields"]:
        node = part["type"]
        if isinstance(node, str):
            return part["name"], []
        if isinstance(node, dict) and not isinstance(node["type"], list | dict):
            return part["name"], 7 if node["type"] == "array" else []
    return None
