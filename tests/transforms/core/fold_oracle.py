"""What an attribute comes to, recomputed from all events as the design says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, format_rfc3339
from schemas.workspace.model import Aggregate, Attribute
from tests.fold_events import fold_event
from transforms.core.plan import Plan

SCALE = 10**9


class Sample:
    """An event as generated, beside its fold event, for an oracle that does not look at the latter."""

    def __init__(self, plan: Plan, number: int, raw: Any) -> None:
        (self.type, self.data), self.time_us, prefix, delay_us, identities = raw
        # Ids that tie in time stand in another order than the events were made in.
        self.id = f"{prefix}-{number:03d}"
        self.fold = fold_event(
            plan,
            self.type,
            self.data,
            self.time_us,
            event_id=self.id,
            publish_us=self.time_us + delay_us,
            identities=tuple(identities),
        )


def numbers_at(sample: Sample, field: str) -> list[Any]:
    """The values of a field, read by hand."""
    if field == "$time":
        return [format_rfc3339(sample.time_us)]
    if field == "$id":
        return [sample.id]
    if field == "lines.price":
        found = [line["price"] for line in sample.data["lines"]]
    elif field == "tags":
        found = list(sample.data.get("tags", []))
    else:
        found = [sample.data.get(field)]
    return [value for value in found if value is not None]


def billionths(value: Any) -> int | None:
    exact = Fraction(repr(value))
    return round(exact * SCALE) if abs(exact) < 10**29 else None


def number(scaled: int | Fraction) -> int | Decimal:
    """A number of billionths, as JSON has it."""
    scaled = round(scaled)
    return scaled // SCALE if scaled % SCALE == 0 else Decimal(f"{scaled}e-9")


def oracle(attribute: Attribute, samples: Sequence[Sample], as_of_us: int) -> Any:
    """An attribute's value, recomputed from all events as the design says it."""
    numeric = attribute.field in ("number", "lines.price")
    summed = attribute.aggregate in (Aggregate.SUM, Aggregate.AVERAGE)
    entries = []
    for sample in samples:
        if attribute.events != ("*",) and sample.type not in attribute.events:
            continue
        if attribute.where is not None:
            found = sample.data.get("number")
            if found is None or billionths(found) is None or found < 2:
                continue
        values = [1] if attribute.field is None else numbers_at(sample, attribute.field)
        for position, value in enumerate(values):
            extreme = numeric and attribute.aggregate in (Aggregate.MIN, Aggregate.MAX)
            if (summed or extreme) and billionths(value) is None:
                continue
            entries.append((sample.time_us, sample.id, position, value))
    entries.sort(key=lambda entry: entry[:3])
    limit = attribute.limit
    if limit is None and attribute.aggregate in (Aggregate.VALUE, Aggregate.LAST):
        limit = 1
    if attribute.lookback_us is not None:
        start_us = as_of_us - attribute.lookback_us
        if limit is not None:
            entries = [entry for entry in entries[-limit:] if entry[0] > start_us]
        else:
            width = MINUTE_US if attribute.lookback_us <= HOUR_US else HOUR_US
            width = width if attribute.lookback_us <= 7 * DAY_US else DAY_US
            # A bucket counts while its end lies after the start of the lookback.
            entries = [entry for entry in entries if (entry[0] // width + 1) * width > start_us]
    elif limit is not None:
        entries = entries[-limit:]
    if not entries:
        return None
    return aggregated(attribute, [entry[3] for entry in entries], limit, numeric)


def aggregated(attribute: Attribute, values: list[Any], limit: int | None, numeric: bool) -> Any:
    match attribute.aggregate:
        case Aggregate.VALUE:
            return values[-1] if limit == 1 else values[::-1]
        case Aggregate.LAST:
            return values[-1]
        case Aggregate.FIRST:
            return values[0]
        case Aggregate.SUM:
            return number(sum(billionths(value) or 0 for value in values))
        case Aggregate.AVERAGE:
            return number(Fraction(sum(billionths(value) or 0 for value in values), len(values)))
        case Aggregate.COUNT if attribute.field is None:
            return len(values)
        case Aggregate.COUNT | Aggregate.DISTINCT:
            counts = Counter(key_of(value) if numeric else value for value in values)
            return dict(counts) if attribute.aggregate is Aggregate.COUNT else len(counts)
    if numeric:
        scaled = [billionths(value) or 0 for value in values]
        return number(min(scaled) if attribute.aggregate is Aggregate.MIN else max(scaled))
    return min(values) if attribute.aggregate is Aggregate.MIN else max(values)


def key_of(value: Any) -> str:
    """The one text of a number as folded; of one too great to be folded, its own."""
    scaled = billionths(value)
    if scaled is None:
        return str(value)
    return f"{Decimal(f'{scaled}e-9'):f}".rstrip("0").rstrip(".") if scaled % SCALE else str(scaled // SCALE)
