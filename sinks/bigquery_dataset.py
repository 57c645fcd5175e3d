"""Where a workspace's tables are in BigQuery, and the clients that reach them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import grpc
from google.api_core.client_options import ClientOptions
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

from schemas.errors import CjaasError

REST_SECONDS: Final = 20.0
"""How long one REST request may take, and how long it is repeated; the client's default is ten minutes."""
REST_RETRY: Final[Retry] = DEFAULT_RETRY.with_timeout(REST_SECONDS)

_CHANNEL_OPTIONS: Final = (("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1))


@dataclass(frozen=True)
class BigQueryDataset:
    """A dataset of a project; of an emulator where its two addresses are given.

    Attributes:
        name: the dataset's id.
        location: where a new dataset is made, such as `EU`; BigQuery's default unless said otherwise.
        emulator_rest: the address of the emulator's REST interface, `http://127.0.0.1:PORT`.
        emulator_host: `127.0.0.1:PORT` of the emulator's gRPC interface.

    Raises:
        CjaasError: one address of an emulator without the other.
    """

    project: str
    name: str
    location: str | None = None
    emulator_rest: str | None = None
    emulator_host: str | None = None

    def __post_init__(self) -> None:
        if (self.emulator_rest is None) != (self.emulator_host is None):
            raise CjaasError(
                f"BigQuery dataset {self.id}: expected both addresses of an emulator, REST and gRPC, or none"
            )

    @property
    def id(self) -> str:
        """`PROJECT.DATASET`."""
        return f"{self.project}.{self.name}"

    def table_id(self, table: str) -> str:
        """`PROJECT.DATASET.TABLE`."""
        return f"{self.id}.{table}"

    def default_stream(self, table: str) -> str:
        """The name of a table's stream that appends at least once."""
        return f"projects/{self.project}/datasets/{self.name}/tables/{table}/streams/_default"

    def rest_client(self) -> bigquery.Client:
        """A client for tables and queries, with the default credentials."""
        if self.emulator_rest is None:
            return bigquery.Client(self.project, location=self.location)
        return bigquery.Client(
            self.project,
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=ClientOptions(api_endpoint=self.emulator_rest),
            location=self.location,
        )

    def write_transport(self) -> BigQueryWriteGrpcTransport:
        """A channel to the Storage Write API, with the default credentials."""
        if self.emulator_host is None:
            transport = BigQueryWriteClient().transport  # type: ignore[no-untyped-call]
            assert isinstance(transport, BigQueryWriteGrpcTransport)
            return transport
        channel = grpc.insecure_channel(self.emulator_host, _CHANNEL_OPTIONS)
        return BigQueryWriteGrpcTransport(channel=channel)
