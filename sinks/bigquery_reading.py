"""SQL over a dataset in BigQuery."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Final, Self

from google.cloud import bigquery

from schemas.errors import CjaasError
from schemas.journal import Result
from sinks.bigquery_dataset import REST_RETRY, REST_SECONDS, BigQueryDataset
from sinks.bigquery_tables import REST_ERRORS, one_line

DEFAULT_BYTES_BILLED: Final = 100 * 1024**3
"""A query that would read more is refused before it costs anything."""


class BigQueryReading:
    """Reads tables and views of a dataset, by the names that `sinks.warehouse` has for them.

    A column of JSON comes as text.

    Args:
        query_seconds: how long a query may take.
        request_seconds: how long one request may take, and how long it is repeated.
        maximum_bytes_billed: a query that would read more is refused.

    Raises:
        CjaasError: there are no credentials.
    """

    def __init__(
        self,
        dataset: BigQueryDataset,
        *,
        query_seconds: float = 60.0,
        request_seconds: float = REST_SECONDS,
        maximum_bytes_billed: int = DEFAULT_BYTES_BILLED,
    ) -> None:
        self.dataset = dataset
        self._query_seconds = query_seconds
        self._request_seconds = request_seconds
        self._retry = REST_RETRY.with_timeout(request_seconds)
        self._maximum_bytes_billed = maximum_bytes_billed
        try:
            self._client = dataset.rest_client()
        except REST_ERRORS as error:
            raise self._told(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the client's connections."""
        self._client.close()  # type: ignore[no-untyped-call]

    def sql(self, query: str) -> Result:
        """The answer to one query that reads.

        Raises:
            CjaasError: the query is wrong, does more than read, reads too much or takes too long, or
                BigQuery cannot be reached.
        """
        try:
            if self._run(query, dry_run=True).statement_type != "SELECT":
                raise CjaasError("expected one query that reads (SELECT, WITH ...): correct it")
            rows = self._run(query).result(retry=self._retry, timeout=self._query_seconds, job_retry=None)
            texts = [index for index, field in enumerate(rows.schema) if field.field_type == "JSON"]
            return Result(
                tuple(field.name for field in rows.schema), [_shown(row.values(), texts) for row in rows]
            )
        except TimeoutError as error:
            raise CjaasError(
                f"SQL over {self.dataset.id}: no answer within {self._query_seconds:g} s"
            ) from error
        except REST_ERRORS as error:
            raise self._told(error) from error

    def _run(self, query: str, *, dry_run: bool = False) -> bigquery.QueryJob:
        config = bigquery.QueryJobConfig(
            default_dataset=self.dataset.id,
            use_query_cache=not dry_run,
            job_timeout_ms=round(self._query_seconds * 1_000),
            dry_run=dry_run,
            maximum_bytes_billed=None if dry_run else self._maximum_bytes_billed,
        )
        return self._client.query(
            query, job_config=config, retry=self._retry, timeout=self._request_seconds, job_retry=None
        )

    def _told(self, error: Exception) -> CjaasError:
        return CjaasError(f"SQL over {self.dataset.id}: {one_line(error)}")


def _shown(values: tuple[Any, ...], texts: list[int]) -> tuple[Any, ...]:
    """A row with its JSON columns, which the client decodes, as text again."""
    if not texts:
        return values
    row = list(values)
    for index in texts:
        if row[index] is not None:
            row[index] = json.dumps(row[index], ensure_ascii=False, separators=(",", ":"))
    return tuple(row)
