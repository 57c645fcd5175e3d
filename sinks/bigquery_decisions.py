"""Decisions in BigQuery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from schemas.decision import Decision
from schemas.errors import CjaasError
from sinks.bigquery_appender import TableAppender
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_layout import DECISIONS, FLAT_DECISION_SCHEMA
from sinks.decision_files import decision_table


class BigQueryDecisions:
    """Rows of `decisions_raw`, at least once; the view `decisions` has each decision once."""

    def __init__(self, dataset: BigQueryDataset) -> None:
        self.dataset = dataset
        self._appender = TableAppender(dataset, DECISIONS)

    def __repr__(self) -> str:
        return f"BigQueryDecisions({self.dataset!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BigQueryDecisions, (self.dataset,)

    def append(self, decisions: Sequence[Decision]) -> None:
        """Appends decisions; safe when it returns.

        Raises:
            CjaasError: a decision is refused, the table refuses all, or trouble outlasts all attempts.
        """
        if not decisions:
            return
        for refusal in self._appender.append(flat_table(decisions)):
            raise CjaasError(
                f"BigQuery table {self.dataset.table_id(DECISIONS.name)}: refuses decision"
                f" {decisions[refusal.index].decision_id}: {refusal.reason}"
            )

    def close(self) -> None:
        """Gives the connection back."""
        self._appender.close()


def flat_table(decisions: Sequence[Decision]) -> pa.Table:
    """The rows of these decisions, with a column for each field of the cause."""
    table = decision_table(decisions)
    arrays: list[pa.Array] = []
    for name in table.column_names:
        column = table.column(name).chunk(0)
        arrays += column.flatten() if name == "cause" else [column]
    return pa.Table.from_arrays(arrays, schema=FLAT_DECISION_SCHEMA)
