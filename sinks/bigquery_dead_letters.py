"""Dead letters in BigQuery."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec
import pyarrow as pa

from schemas.dead_letter import DeadLetter
from schemas.errors import CjaasError
from sinks.bigquery_appender import TableAppender
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_layout import DEAD_LETTER_SCHEMA, DEAD_LETTERS
from sinks.tape_rows import json_array


class BigQueryDeadLetters:
    """A `schemas.streams.DeadLetterSink`: rows of `dead_letters`, each at least once under its message id."""

    def __init__(self, dataset: BigQueryDataset) -> None:
        self.dataset = dataset
        self._appender = TableAppender(dataset, DEAD_LETTERS)

    def __repr__(self) -> str:
        return f"BigQueryDeadLetters({self.dataset!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return BigQueryDeadLetters, (self.dataset,)

    def append(self, origin: str, dead_letters: Sequence[DeadLetter]) -> None:
        """Keeps a batch; safe when it returns.

        Raises:
            CjaasError: a letter is refused, the table refuses all, or trouble outlasts all attempts.
        """
        if not dead_letters:
            return
        for refusal in self._appender.append(dead_letter_table(dead_letters)):
            raise CjaasError(
                f"BigQuery table {self.dataset.table_id(DEAD_LETTERS.name)}: refuses the dead letter of"
                f" message {dead_letters[refusal.index].message_id} ({origin}): {refusal.reason}"
            )

    def close(self) -> None:
        """Gives the connection back."""
        self._appender.close()


def dead_letter_table(letters: Sequence[DeadLetter]) -> pa.Table:
    """The rows of these dead letters, in their order."""
    texts = [_text(letter.payload) for letter in letters]
    encode = msgspec.json.Encoder(order="sorted").encode
    columns: list[pa.Array] = [
        pa.array(texts, pa.string()),
        pa.array(
            [
                base64.b64encode(letter.payload).decode() if text is None else None
                for letter, text in zip(letters, texts, strict=True)
            ],
            pa.string(),
        ),
        pa.array([letter.payload_sha256 for letter in letters], pa.string()),
        json_array([encode(letter.attributes) for letter in letters]),
        pa.array([letter.message_id for letter in letters], pa.string()),
        pa.array([letter.publish_us for letter in letters], pa.int64()).view(
            DEAD_LETTER_SCHEMA.field("publish_time").type
        ),
    ]
    columns += [
        pa.array([getattr(letter, name) for letter in letters], pa.string())
        for name in DEAD_LETTER_SCHEMA.names[len(columns) :]
    ]
    return pa.Table.from_arrays(columns, schema=DEAD_LETTER_SCHEMA)


def _text(payload: bytes) -> str | None:
    """A payload that is UTF-8 as text."""
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None
