"""The counters of a job, as its runner tells them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from schemas.metrics import NAMESPACE


def summed(counters: Iterable[Any]) -> dict[str, int]:
    """The project's own counters by name: each step has its own counter of a name, and theirs is the sum."""
    sums: Counter[str] = Counter()
    for counter in counters:
        if counter.key.metric.namespace == NAMESPACE:
            sums[counter.key.metric.name] += counter.committed or 0
    return dict(sums)
