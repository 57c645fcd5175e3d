"""The tape in BigQuery."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.event import Event
from schemas.streams import Rejected
from sinks.bigquery_appender import TableAppender
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_layout import TAPE
from sinks.tape_rows import tape_table


class BigQueryTape:
    """A `schemas.streams.Tape`: rows of `tape_raw`, at least once; the view `tape` has each event once.

    BigQuery's JSON takes integers of 64 bits and numbers that a double gives back as they were written.
    A row that is refused is sent once more with all its other numbers in `data` as text, so that
    `JSON_VALUE` gives them digit by digit; `payload` has what was sent.
    """

    def __init__(self, dataset: BigQueryDataset) -> None:
        self.dataset = dataset
        self._appender = TableAppender(dataset, TAPE)

    def __repr__(self) -> str:
        return f"BigQueryTape({self.dataset!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BigQueryTape, (self.dataset,)

    def append(self, origin: str, events: Sequence[Event], workspace: str) -> list[Rejected]:
        """Appends a batch; safe when it returns.

        Raises:
            CjaasError: the table refuses all, or trouble outlasts all attempts.
        """
        rejected = self._appender.append(tape_table(events, workspace))
        if not rejected:
            return rejected
        plain = [_with_plain_numbers(events[refusal.index]) for refusal in rejected]
        return [
            Rejected(rejected[refusal.index].index, refusal.reason)
            for refusal in self._appender.append(tape_table(plain, workspace))
        ]

    def close(self) -> None:
        """Gives the connection back."""
        self._appender.close()


def _with_plain_numbers(event: Event) -> Event:
    """The event with those numbers in its data as text that are no integers of 64 bits."""
    data = json.loads(event.data_json, parse_int=_integer, parse_float=str, parse_constant=str)
    # Escaped, because a lone surrogate is valid JSON and no UTF-8.
    return msgspec.structs.replace(event, data_json=json.dumps(data, separators=(",", ":")).encode())


def _integer(text: str) -> int | str:
    number = int(text) if len(text) <= 20 else 1 << 64
    return number if -(1 << 63) <= number < 1 << 63 else text
