"""What a running job has written down in BigQuery: a `schemas.journal.Journal`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.decision import Decision
from schemas.journal import Result, TapeEvent
from schemas.timestamps import format_rfc3339
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_reading import BigQueryReading
from sinks.decision_files import decision_of


class BigQueryJournal:
    """A dataset's tape and decisions, asked as a run's output is.

    Raises:
        CjaasError: there are no credentials.
    """

    def __init__(self, dataset: BigQueryDataset) -> None:
        self._reading = BigQueryReading(dataset)

    def sql(self, query: str) -> Result:
        """The answer to one query that reads.

        Raises:
            CjaasError: the query is wrong, does more than read, or BigQuery cannot be reached.
        """
        return self._reading.sql(query)

    def decisions_of_person(self, person_id: str) -> list[Decision]:
        """A person's decisions, oldest first."""
        return self._decisions("person_id", person_id)

    def decisions_of_action(self, action_id: str) -> list[Decision]:
        """The decisions that name an action, oldest first."""
        return self._decisions("action_id", action_id)

    def persons_of(self, identity: str) -> list[str]:
        """The ids of the persons whose events carry an identity, `namespace:value`."""
        rows = self.sql(
            f"SELECT DISTINCT person_id FROM tape_raw WHERE {_literal(identity)} IN UNNEST(identities)"
            " ORDER BY person_id"
        ).rows
        return [person_id for (person_id,) in rows]

    def events_of(self, person_ids: Sequence[str], until_us: int) -> Iterator[TapeEvent]:
        """Each event of these persons up to a time in microseconds, inclusive, by person."""
        persons = ", ".join(map(_literal, person_ids))
        rows = self.sql(
            "SELECT person_id, event_id, source, type, event_time, publish_time, `schema`, identities,"
            f" TO_JSON_STRING(data), TO_JSON_STRING(extensions) FROM tape WHERE person_id IN ({persons})"
            f" AND event_time <= TIMESTAMP {_literal(format_rfc3339(until_us))} ORDER BY person_id"
        ).rows
        return map(TapeEvent._make, rows)

    def close(self) -> None:
        """Closes the client's connections."""
        self._reading.close()

    def _decisions(self, column: str, value: str) -> list[Decision]:
        result = self.sql(
            f"SELECT * FROM decisions WHERE {column} = {_literal(value)}"
            " ORDER BY as_of, shard, sequence, decision_id"
        )
        return [decision_of(dict(zip(result.columns, row, strict=True))) for row in result.rows]


class RecordedAsSent:
    """Which of some decisions are on record as sent, by `decision_id`; asked of the table itself.

    It connects when it is first used, and travels to other processes closed.
    """

    def __init__(self, dataset: BigQueryDataset) -> None:
        self._dataset = dataset
        self._reading: BigQueryReading | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return RecordedAsSent, (self._dataset,)

    def __call__(self, decisions: Sequence[Decision]) -> set[str]:
        """The ids of those that are."""
        if not decisions:
            return set()
        if self._reading is None:
            self._reading = BigQueryReading(self._dataset)
        ids = ", ".join(_literal(decision.decision_id) for decision in decisions)
        times = [decision.as_of_us for decision in decisions]
        first, last = format_rfc3339(min(times)), format_rfc3339(max(times))
        rows = self._reading.sql(
            f"SELECT DISTINCT decision_id FROM decisions_raw WHERE decision_id IN ({ids})"
            f" AND outcome = 'sent' AND as_of BETWEEN TIMESTAMP '{first}' AND TIMESTAMP '{last}'"
        ).rows
        return {decision_id for (decision_id,) in rows}


def _literal(text: str) -> str:
    """A text as a literal of BigQuery's SQL."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
