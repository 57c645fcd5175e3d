"""A workspace as the jobs use it: loaded, checked, names resolved, durations in microseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from schemas.action import Category
from schemas.workspace.condition import Condition
from schemas.workspace.entries import Entry, ExitEvent, Reentry
from schemas.workspace.messages import MessageTemplate
from schemas.workspace.policy import Policy
from schemas.workspace.reference import Table
from schemas.workspace.steps import DataSource, Send, Step, walk_steps

if TYPE_CHECKING:
    from schemas.avro import Registry

ANY_EVENT = "*"


class Aggregate(StrEnum):
    """What an attribute makes of its entries."""

    VALUE = "value"
    COUNT = "count"
    SUM = "sum"
    MIN = "min"
    MAX = "max"
    AVERAGE = "average"
    DISTINCT = "distinct"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Namespace:
    """A kind of identity.

    Attributes:
        priority: the best identity of an event is the one of the lowest priority number.
        unique: a person has one value of it.
        max_per_person: how many values of it a person may have; None for no limit.
        normalizer: how values are brought into one form; None for as they are.
    """

    name: str
    priority: int
    unique: bool
    max_per_person: int | None
    normalizer: Literal["email", "phone"] | None


@dataclass(frozen=True, slots=True)
class Context:
    """What who speaks to a person should know.

    Attributes:
        contacts: so many of the newest actions.
    """

    attributes: tuple[str, ...]
    contacts: int


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a person.

    Attributes:
        address: the namespace whose identity is the address; None where the channel looks it up itself.
        context: what its actions tell besides the message; None for nothing.
    """

    name: str
    address: str | None
    context: Context | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model that scores persons, 0 to 1.

    Attributes:
        file: of the pickled scikit-learn classifier.
        inputs: the attributes that it is given, in this order.
    """

    name: str
    file: Path
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One value that every profile keeps.

    Attributes:
        events: event types, or `("*",)` for all.
        field: dot path into the data, `$time`, `$id`, `$source` or `$type`; None where each event
            counts as itself.
        limit: keeps the newest N entries only and aggregates those; None for no limit.
        lookback_us: how far back entries count, in microseconds; None for ever.
        where: which events count, a condition on fields; None for all.
    """

    name: str
    events: tuple[str, ...]
    field: str | None
    aggregate: Aggregate
    limit: int | None
    lookback_us: int | None
    where: Condition | None


Mode = Literal["live", "test", "dry_run"]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a person does because of an action: an event of these types, within that time after it."""

    events: tuple[str, ...]
    within_us: int


@dataclass(frozen=True, slots=True)
class Journey:
    """When to act, and how.

    Attributes:
        valid_from_us: the first instant at which it acts, None for no start.
        valid_until_us: the first instant at which it no longer acts, None for no end.
        cooldown_us: for how long after a run's first action no other run starts or sends; None for none.
        condition: must hold when an action is decided, on attributes and the entry event's fields.
        mode: whether it acts for all, for test people, or decides only.
        use_case: what a person must be subscribed to; None for nothing.
        control_percent: how many persons are held out.
        suppress: nothing is sent while it holds, on attributes.
        propensity: how likely the person is to answer, a number; None for not known.
    """

    name: str
    version: int
    active: bool
    category: Category
    priority: int
    valid_from_us: int | None
    valid_until_us: int | None
    entry: Entry
    reentry: Reentry
    cooldown_us: int | None
    exits: tuple[ExitEvent, ...]
    condition: Condition | None
    steps: tuple[Step, ...]
    mode: Mode = "live"
    use_case: str | None = None
    control_percent: float = 0
    suppress: Condition | None = None
    goal: Goal | None = None
    propensity: DataSource | None = None

    def sends(self) -> list[Send]:
        """The steps that send, in the order of the file."""
        return [step for step in walk_steps(self.steps) if isinstance(step, Send)]


@dataclass(frozen=True, slots=True)
class Workspace:
    """One tenant, as its directory describes it.

    Attributes:
        time_zone: IANA name.
        region: ISO 3166 region that phone numbers without a country code belong to; None for none.
        shards: a power of two.
        allowed_lateness_us: an event published later than this after its time is late.
        earliest_us: how long before its publish time an event may lie.
        secret: the HMAC key of person ids.
        namespaces: by priority, best first.
        channels: by name.
        attributes: of all templates, in the order of the file.
        journeys: by name, each in its newest version.
        earlier: versions of journeys that persons may still be on, and nobody enters any more.
        registry: the event schemas.
        messages: the catalogue of message templates, by name; without one any name will do.
        tables: of reference data, by name, without their rows.
        fingerprint: of all files that the workspace was made from.
    """

    name: str
    directory: Path
    time_zone: str
    region: str | None
    shards: int
    allowed_lateness_us: int
    earliest_us: int
    secret: bytes = field(repr=False)
    namespaces: tuple[Namespace, ...]
    channels: dict[str, Channel]
    attributes: tuple[Attribute, ...]
    journeys: tuple[Journey, ...]
    registry: Registry = field(repr=False)
    earlier: tuple[Journey, ...] = ()
    policy: Policy = field(default_factory=Policy)
    messages: dict[str, MessageTemplate] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    fingerprint: bytes = b""

    def versions(self) -> tuple[Journey, ...]:
        """All versions of all journeys."""
        return self.journeys + self.earlier
