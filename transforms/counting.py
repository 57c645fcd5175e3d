"""Counting in Beam's metrics, by the registry's names."""

from __future__ import annotations

from apache_beam.metrics.metric import Metrics

from schemas.metrics import NAMESPACE, Metric


def count(metric: Metric, number: int, label: str | None = None) -> None:
    """Adds to a counter of the running job."""
    if number:
        name = metric.value if label is None else f"{metric.value}:{label}"
        Metrics.counter(NAMESPACE, name).inc(number)
