"""The registry of metrics: every counter that a job has, and what it counts."""

from __future__ import annotations

from enum import StrEnum

NAMESPACE = "cjaas"


class Metric(StrEnum):
    """A metric's name: a counter, unless said otherwise. With a label it is written `NAME:LABEL`."""

    READ = "read"
    VALID = "valid"
    DEAD_LETTERS = "dead_letters"
    UNKNOWN_FIELDS = "unknown_fields"
    IGNORED_IDENTITIES = "ignored_identities"
    LATE = "late"
    FOLDED = "folded"
    FOLD_DUPLICATES = "fold_duplicates"
    CONFLICTS = "conflicts"
    BELOW_FLOOR = "below_floor"
    REFUSED_VALUES = "refused_values"
    OVERFLOWN = "overflown"
    PROFILES = "profiles"
    COMMITS = "commits"
    BATCHES = "batches"
    DECISIONS = "decisions"
    ACTIONS = "actions"
    REFERENCE_READS = "reference_reads"
    DELIVERY_LAG = "delivery_lag_ms"
    WATERMARK_AGE = "watermark_age_ms"


MEANING: dict[Metric, str] = {
    Metric.READ: "messages read; read = valid + dead_letters",
    Metric.VALID: "events accepted and appended to the tape",
    Metric.DEAD_LETTERS: "messages refused, by error",
    Metric.UNKNOWN_FIELDS: "fields of accepted events that their schema does not know; kept on the tape",
    Metric.IGNORED_IDENTITIES: "values of identity fields that are none of their namespace's; not used",
    Metric.LATE: "events published too long after their time to be folded; on the tape only",
    Metric.FOLDED: "events folded into profiles, each once",
    Metric.FOLD_DUPLICATES: "copies of folded events, not folded again",
    Metric.CONFLICTS: "copies of folded events with other time or data; the first one stands",
    Metric.BELOW_FLOOR: "events whose delivery lagged so far that no fingerprint can tell them from copies",
    Metric.REFUSED_VALUES: "values that cannot be summed: no number, NaN, infinite, or 1e29 and more",
    Metric.OVERFLOWN: "events refused because the person's image is over 64 kB",
    Metric.PROFILES: "images written",
    Metric.COMMITS: "commits of shards",
    Metric.BATCHES: "micro-batches that a running job's commits gathered",
    Metric.DECISIONS: "decisions, by outcome",
    Metric.ACTIONS: "actions decided, by channel; a running job publishes those that have not expired",
    Metric.REFERENCE_READS: "changed reference data that a running job came upon: used, or refused",
    Metric.DELIVERY_LAG: "how long ago the oldest message of the last micro-batch was published; a gauge",
    Metric.WATERMARK_AGE: "how far a running source's watermark lies behind the wall clock; a gauge",
}
