"""Counting in Beam's metrics, by the registry's names."""

from __future__ import annotations

from collections import Counter

from apache_beam.metrics.metric import Metrics

from schemas.metrics import NAMESPACE, Metric
from transforms.core.engine import Advanced
from transforms.core.fold import FoldOutcome

_OUTCOMES = {
    FoldOutcome.FOLDED: Metric.FOLDED,
    FoldOutcome.DUPLICATE: Metric.FOLD_DUPLICATES,
    FoldOutcome.CONFLICT: Metric.CONFLICTS,
    FoldOutcome.BELOW_FLOOR: Metric.BELOW_FLOOR,
    FoldOutcome.LATE: Metric.LATE,
}


def count(metric: Metric, number: int, label: str | None = None) -> None:
    """Adds to a counter of the running job."""
    if number:
        name = metric.value if label is None else f"{metric.value}:{label}"
        Metrics.counter(NAMESPACE, name).inc(number)


def gauge(metric: Metric, value: int) -> None:
    """Says what a gauge of the running job stands at."""
    Metrics.gauge(NAMESPACE, metric.value).set(value)


def count_advanced(advanced: Advanced) -> None:
    """Counts what a commit came to."""
    commit = advanced.commit
    for outcome, number in advanced.outcomes.items():
        count(_OUTCOMES[outcome], number)
    count(Metric.REFUSED_VALUES, advanced.refused_values)
    count(Metric.OVERFLOWN, advanced.overflown)
    count(Metric.COMMITS, 1)
    count(Metric.PROFILES, len(commit.images))
    for decided, number in Counter(decision.outcome for decision in commit.outbox.decisions).items():
        count(Metric.DECISIONS, number, decided)
    for channel, number in Counter(action.channel for action in commit.outbox.actions).items():
        count(Metric.ACTIONS, number, channel)
