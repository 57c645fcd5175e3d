"""What a workspace lets its journeys do to a person."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from schemas.action import Category
from schemas.timestamps import DAY_US
from schemas.workspace.condition import Condition

SOLICITING = frozenset({Category.COMMERCIAL, Category.ADVISORY})
"""Categories that a person need not put up with; the others skip what the law lets them skip."""


class ConsentRule(StrEnum):
    """What the law asks before a message of a category."""

    NOT_NEEDED = "not_needed"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


@dataclass(frozen=True, slots=True)
class UseCase:
    """What a person may subscribe to.

    Attributes:
        subscribed: whether a person is who never said anything.
    """

    name: str
    subscribed: bool


@dataclass(frozen=True, slots=True)
class Cap:
    """At most so many messages within any window of time.

    Attributes:
        journey: counts those of one journey only; None for all. So do `category` and `channel`.
    """

    name: str
    limit: int
    window_us: int
    journey: str | None = None
    category: Category | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The time of the day, in the person's time zone, at which nothing is sent.

    Attributes:
        start: minute of the day at which they begin.
        end: minute of the day at which they end; may lie before `start`, beyond midnight.
        defers: whether what comes then waits for their end; it is dropped otherwise.
        categories: what they hold back.
        channels: where; None for all.
    """

    start: int
    end: int
    defers: bool
    categories: frozenset[Category]
    channels: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Suppression:
    """Nothing of some categories is sent while a condition on the person's attributes holds."""

    name: str
    condition: Condition
    categories: frozenset[Category]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """After so many messages in a row without an answer nothing is sent for a while."""

    limit: int
    pause_us: int


@dataclass(frozen=True, slots=True)
class Arbitration:
    """One commercial message a person and window.

    Attributes:
        reserve_us: so long before a journey of higher priority is due others are held back.
    """

    window_us: int
    reserve_us: int


@dataclass(frozen=True, slots=True)
class Policy:
    """All of it.

    Attributes:
        control_percent: how many persons get no commercial or advisory message at all, for comparison.
        test_people: identities, `namespace:value`, of those whom journeys on test reach.
        dry_run: everything is decided and nothing is sent.
    """

    consents: dict[Category, ConsentRule] = field(
        default_factory=lambda: {
            Category.LEGAL: ConsentRule.NOT_NEEDED,
            Category.OPERATIVE: ConsentRule.NOT_NEEDED,
            Category.ADVISORY: ConsentRule.OPT_OUT,
            Category.COMMERCIAL: ConsentRule.OPT_IN,
        }
    )
    use_cases: dict[str, UseCase] = field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    quiet_hours: tuple[QuietHours, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    unanswered: Unanswered | None = None
    arbitration: Arbitration | None = None
    control_percent: float = 0
    test_people: frozenset[str] = frozenset()
    dry_run: bool = False


RESPONSES_US = 90 * DAY_US
"""Responses to actions are kept at least this long."""
