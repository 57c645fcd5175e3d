"""What is asked of a firehose, and what it turned out to hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for.

    Attributes:
        events: lines in all, broken ones and copies included.
        people: how many people may occur.
        start_us: the first instant; late events happened up to three days more than the allowed
            lateness before it.
        days: the length of the period.
        duplicates: the share of lines that are copies.
        late: the share of lines that were published later than the allowed lateness.
        broken: the share of lines that are broken.
        weights: event type -> weight, in place of the workspace's own; types that it doesn't name
            don't occur. None for the workspace's own.
    """

    events: int
    seed: int
    people: int
    start_us: int
    days: float
    duplicates: float
    late: float
    broken: float
    weights: Mapping[str, float] | None = None


@dataclass(slots=True)
class Tally:
    """The exact contents of a firehose.

    Attributes:
        events: lines in all; `valid` and the sum of `broken` together.
        valid: lines that are valid events, copies included.
        duplicates: valid lines that are copies of another line, the same but for the publish time.
        late: valid lines published later than the allowed lateness; none of them has a copy.
        people: persons with at least one valid event, which all links make one person; each of them
            has at least one event that is not late.
        best_identities: the best identities of all events in time: the profiles of a job that joins nobody.
        broken: fault -> lines.
        errors: the error of the dead letter -> lines.
        types: event type -> valid lines, copies not included.
    """

    events: int = 0
    valid: int = 0
    duplicates: int = 0
    late: int = 0
    people: int = 0
    best_identities: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
