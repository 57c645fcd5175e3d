"""Making a dataset with its tables and views, and bringing an older one up to date."""

from __future__ import annotations

from google.api_core.exceptions import GoogleAPICallError, PreconditionFailed, RetryError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from requests.exceptions import RequestException

from schemas.errors import CjaasError
from schemas.timestamps import DAY_US
from sinks.bigquery_dataset import REST_RETRY, REST_SECONDS, BigQueryDataset
from sinks.bigquery_layout import TABLES, Layout, view_queries

REST_ERRORS = (GoogleAPICallError, RetryError, GoogleAuthError, RequestException)
"""What a REST client raises, its retries included."""

_ATTEMPTS = 5


class BigQueryTables:
    """The tables and views of `sinks.bigquery_layout` in one dataset.

    Everything here may be repeated, and by several at once.

    Raises:
        CjaasError: by every method, in one line, where BigQuery refuses or cannot be reached.
    """

    def __init__(self, dataset: BigQueryDataset) -> None:
        self.dataset = dataset

    def ensure(self) -> None:
        """Makes what is missing; adds new columns; brings views and expirations up to date."""
        try:
            with self.dataset.rest_client() as client:
                self._ensure_dataset(client)
                for layout in TABLES:
                    client.create_table(
                        self._table(layout), exists_ok=True, retry=REST_RETRY, timeout=REST_SECONDS
                    )
                    self._update(client, layout)
                for name, query in view_queries(self.dataset.id).items():
                    self._ensure_view(client, name, query)
        except REST_ERRORS as error:
            raise self._told(error) from error

    def add_missing_columns(self, layout: Layout) -> list[str]:
        """Adds to a table those of its columns that it lacks, as optional ones.

        Returns:
            The names of the columns added.
        """
        try:
            with self.dataset.rest_client() as client:
                return self._update(client, layout)
        except REST_ERRORS as error:
            raise self._told(error) from error

    def delete(self) -> None:
        """Deletes the dataset with all that is in it."""
        try:
            with self.dataset.rest_client() as client:
                client.delete_dataset(
                    self.dataset.id,
                    delete_contents=True,
                    not_found_ok=True,
                    retry=REST_RETRY,
                    timeout=REST_SECONDS,
                )
        except REST_ERRORS as error:
            raise self._told(error) from error

    def _ensure_dataset(self, client: bigquery.Client) -> None:
        dataset = bigquery.Dataset(self.dataset.id)
        if self.dataset.location is not None:
            dataset.location = self.dataset.location
        client.create_dataset(dataset, exists_ok=True, retry=REST_RETRY, timeout=REST_SECONDS)

    def _table(self, layout: Layout) -> bigquery.Table:
        table = bigquery.Table(self.dataset.table_id(layout.name), schema=layout.columns())
        table.description = layout.description
        table.time_partitioning = _partitioning(layout)
        table.clustering_fields = list(layout.clustered_by)
        return table

    def _update(self, client: bigquery.Client, layout: Layout) -> list[str]:
        """Adds missing columns and sets the expiration; begins again where someone else changed the table."""
        for attempt in range(1, _ATTEMPTS + 1):
            table = client.get_table(
                self.dataset.table_id(layout.name), retry=REST_RETRY, timeout=REST_SECONDS
            )
            self._check(layout, table)
            present = {column.name.lower() for column in table.schema}
            missing = [column for column in layout.columns() if column.name.lower() not in present]
            changed = []
            if missing:
                table.schema = [*table.schema, *map(_optional, missing)]
                changed.append("schema")
            if table.time_partitioning.expiration_ms != _kept_ms(layout):
                table.time_partitioning = _partitioning(layout)
                changed.append("time_partitioning")
            if not changed:
                return []
            try:
                # The table's etag goes along: nothing that another writer changed meanwhile is undone.
                client.update_table(table, changed, retry=REST_RETRY, timeout=REST_SECONDS)
            except PreconditionFailed:
                if attempt == _ATTEMPTS:
                    raise
                continue
            return [column.name for column in missing]
        raise AssertionError("unreachable")

    def _check(self, layout: Layout, table: bigquery.Table) -> None:
        """Refuses a table that no update makes ours."""
        found = table.time_partitioning
        if found is None or (found.type_, found.field) != ("DAY", layout.partitioned_by):
            raise self._foreign(layout, f"partitions by day of {layout.partitioned_by or 'arrival'}")
        kinds = {column.name.lower(): column for column in table.schema}
        for column in layout.columns():
            there = kinds.get(column.name.lower(), column)
            if (there.field_type, there.mode == "REPEATED") != (column.field_type, column.mode == "REPEATED"):
                raise self._foreign(layout, f"a column {column.name} of type {column.field_type}")

    def _foreign(self, layout: Layout, expected: str) -> CjaasError:
        return CjaasError(
            f"BigQuery table {self.dataset.table_id(layout.name)}: expected {expected}, found another:"
            " move the table away, or take another dataset"
        )

    def _ensure_view(self, client: bigquery.Client, name: str, query: str) -> None:
        view = bigquery.Table(self.dataset.table_id(name))
        view.view_query = query
        found = client.create_table(view, exists_ok=True, retry=REST_RETRY, timeout=REST_SECONDS)
        if found.view_query != query:
            found.view_query = query
            client.update_table(found, ["view_query"], retry=REST_RETRY, timeout=REST_SECONDS)

    def _told(self, error: Exception) -> CjaasError:
        return CjaasError(f"BigQuery dataset {self.dataset.id}: {one_line(error)}")


def one_line(error: Exception) -> str:
    """What a REST client raised, in one line."""
    text = error.message if isinstance(error, GoogleAPICallError) else str(error)
    return " ".join(text.split())[:500] or type(error).__name__


def _kept_ms(layout: Layout) -> int | None:
    return None if layout.kept_days is None else layout.kept_days * DAY_US // 1_000


def _partitioning(layout: Layout) -> bigquery.TimePartitioning:
    return bigquery.TimePartitioning(
        type_=bigquery.TimePartitioningType.DAY,
        field=layout.partitioned_by,
        expiration_ms=_kept_ms(layout),
    )


def _optional(column: bigquery.SchemaField) -> bigquery.SchemaField:
    """A column that rows written before it can lack."""
    mode = "REPEATED" if column.mode == "REPEATED" else "NULLABLE"
    return bigquery.SchemaField(column.name, column.field_type, mode)
