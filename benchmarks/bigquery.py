"""What appending to BigQuery costs: µs of CPU per tape row, as Arrow and as Google's clients send rows.

Run `.venv/bin/python benchmarks/bigquery.py`. It starts the emulator, and counts the CPU time of this
process alone, all its threads included: what a worker pays, whatever the service takes. All contestants
take the same decoded events in the same batches, in turns, and their tables are compared at the end.

| contestant | what it is |
| --- | --- |
| `arrow` | `BigQueryTape`: a record batch a micro-batch, over one connection |
| `proto` | rows as protocol buffers over `AppendRowsStream` of google-cloud-bigquery-storage |
| `json` | `Client.insert_rows_json` of google-cloud-bigquery, 500 rows a request as Google recommends |
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from google.cloud.bigquery_storage_v1 import BigQueryWriteClient
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, ProtoSchema
from google.cloud.bigquery_storage_v1.writer import AppendRowsStream
from google.protobuf import (  # type: ignore[import-untyped]
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.firehose import SHOP, firehose
from pipelines.local.emulators import PROJECT, Emulator, start_emulator
from schemas.event import Event
from schemas.timestamps import format_rfc3339
from schemas.workspace import Workspace, load_workspace
from sinks.bigquery_dataset import REST_RETRY, REST_SECONDS, BigQueryDataset
from sinks.bigquery_layout import TAPE
from sinks.bigquery_reading import BigQueryReading
from sinks.bigquery_tables import BigQueryTables
from sinks.bigquery_tape import BigQueryTape
from sinks.event_files import EventFiles
from sinks.tape_rows import tape_table
from transforms.core.decode import Decoder
from transforms.pausing import paused_collection

_JSON_ROWS = 500
_FIELD = descriptor_pb2.FieldDescriptorProto


class Contestant(Protocol):
    """Appends batches, each safe when `append` returns."""

    def append(self, events: Sequence[Event]) -> None:
        """Appends one batch."""
        ...

    def close(self) -> None:
        """Gives back what it holds open."""
        ...


class Arrow:
    """The product's own way."""

    def __init__(self, dataset: BigQueryDataset, workspace: str) -> None:
        self._tape = BigQueryTape(dataset)
        self._workspace = workspace

    def append(self, events: Sequence[Event]) -> None:
        """Appends one batch."""
        assert self._tape.append("", events, self._workspace) == []

    def close(self) -> None:
        """Closes the connection."""
        self._tape.close()


class Proto:
    """A message a row, serialized one by one, over Google's own stream."""

    def __init__(self, dataset: BigQueryDataset, workspace: str) -> None:
        self._workspace = workspace
        file = descriptor_pb2.FileDescriptorProto(name="tape.proto", package="tape", syntax="proto2")
        row = file.message_type.add(name="Row")
        kinds = {
            "event_time": _FIELD.TYPE_INT64,
            "publish_time": _FIELD.TYPE_INT64,
            "payload": _FIELD.TYPE_BYTES,
        }
        for number, name in enumerate(TAPE.schema.names, start=1):
            label = _FIELD.LABEL_REPEATED if name == "identities" else _FIELD.LABEL_OPTIONAL
            row.field.add(name=name, number=number, type=kinds.get(name, _FIELD.TYPE_STRING), label=label)
        pool = descriptor_pool.DescriptorPool()
        pool.Add(file)
        self._row = message_factory.GetMessageClass(pool.FindMessageTypeByName("tape.Row"))
        template = AppendRowsRequest(write_stream=dataset.default_stream(TAPE.name))
        template.proto_rows = AppendRowsRequest.ProtoData(writer_schema=ProtoSchema(proto_descriptor=row))
        self._stream_name = template.write_stream
        client = BigQueryWriteClient(transport=dataset.write_transport())  # type: ignore[no-untyped-call]
        self._stream = AppendRowsStream(client, template)

    def append(self, events: Sequence[Event]) -> None:
        """Appends one batch."""
        request = AppendRowsRequest(write_stream=self._stream_name)
        rows = AppendRowsRequest.pb(request).proto_rows.rows.serialized_rows
        for event in events:
            row = self._row(
                workspace=self._workspace,
                event_id=event.event_id,
                source=event.source,
                type=event.type,
                event_time=event.time_us,
                publish_time=event.publish_us,
                schema=event.schema,
                person_id=event.person_id,
                identities=event.identities,
                data=event.data_json.decode(),
                payload=event.payload,
                message_id=event.message_id,
            )
            if event.extensions is not None:
                row.extensions = event.extensions.decode()
            rows.append(row.SerializeToString())
        self._stream.send(request).result(timeout=60)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Closes the stream."""
        self._stream.close()


class Json:
    """Rows as JSON over REST."""

    def __init__(self, dataset: BigQueryDataset, workspace: str) -> None:
        self._workspace = workspace
        self._client = dataset.rest_client()
        self._table = self._client.get_table(dataset.table_id(TAPE.name), REST_RETRY, REST_SECONDS)

    def append(self, events: Sequence[Event]) -> None:
        """Appends one batch."""
        rows = [
            {
                "workspace": self._workspace,
                "event_id": event.event_id,
                "source": event.source,
                "type": event.type,
                "event_time": format_rfc3339(event.time_us),
                "publish_time": format_rfc3339(event.publish_us),
                "schema": event.schema,
                "person_id": event.person_id,
                "identities": list(event.identities),
                "data": event.data_json.decode(),
                "payload": base64.b64encode(event.payload).decode(),
                "extensions": None if event.extensions is None else event.extensions.decode(),
                "message_id": event.message_id,
            }
            for event in events
        ]
        for start in range(0, len(rows), _JSON_ROWS):
            errors = self._client.insert_rows_json(
                self._table, rows[start : start + _JSON_ROWS], retry=REST_RETRY, timeout=REST_SECONDS
            )
            assert errors == []

    def close(self) -> None:
        """Closes the client."""
        self._client.close()  # type: ignore[no-untyped-call]


CONTESTANTS: dict[str, type[Arrow] | type[Proto] | type[Json]] = {
    "arrow": Arrow,
    "proto": Proto,
    "json": Json,
}


def batches(workspace: Workspace, events: int, size: int) -> Iterator[list[Event]]:
    """The shop's valid events in batches of one size."""
    decoder = Decoder(workspace, "benchmark")
    source = EventFiles((str(firehose(events)),))
    valid = [
        event
        for split in source.splits()
        for batch in source.read(split)
        for event in decoder.decode(batch).events
    ]
    for start in range(0, len(valid), size):
        yield valid[start : start + size]


def dataset_of(emulator: Emulator, name: str) -> BigQueryDataset:
    """A dataset with its tables."""
    dataset = BigQueryDataset(PROJECT, name, emulator_rest=emulator.rest, emulator_host=emulator.host)
    BigQueryTables(dataset).ensure()
    return dataset


def timed(contestant: Contestant, parts: Sequence[list[Event]]) -> float:
    """CPU seconds of this process to append all."""
    with paused_collection():
        started = time.process_time()
        for part in parts:
            contestant.append(part)
        return time.process_time() - started


def contents(dataset: BigQueryDataset) -> list[tuple[Any, ...]]:
    """Every row of the view, so that it shows what was not written as it was sent."""
    with BigQueryReading(dataset) as reading:
        return reading.sql("SELECT * FROM tape ORDER BY workspace, source, event_id, date").rows


def main() -> None:
    """Measures, compares what was written, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=5_000, metavar="N", help="default: 5000")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default: 3")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 500, 2_500], metavar="ROWS")
    arguments = parser.parse_args()
    workspace = load_workspace(SHOP, os.environ)
    shown = Table(title=f"µs of CPU per tape row, {arguments.events:,} events, best of {arguments.rounds}")
    for name in ("rows a batch", *CONTESTANTS, "of arrow: making the batch"):
        shown.add_column(name, justify="right")
    with (
        tempfile.TemporaryDirectory(prefix="cjaas-bigquery-") as folder,
        start_emulator("bigquery", Path(folder, "emulator.log")) as emulator,
    ):
        datasets = {name: dataset_of(emulator, name) for name in CONTESTANTS}
        for size in arguments.sizes:
            parts = list(batches(workspace, arguments.events, size))
            rows = sum(map(len, parts))
            best: dict[str, float] = {}
            for _ in range(arguments.rounds):
                for name, kind in CONTESTANTS.items():
                    contestant = kind(datasets[name], workspace.name)
                    contestant.append(parts[0])  # connects
                    took = timed(contestant, parts)
                    contestant.close()
                    best[name] = min(best.get(name, took), took)
            started = time.process_time()
            for part in parts:
                tape_table(part, workspace.name)
            alone = time.process_time() - started
            figures = [f"{best[name] / rows * 1e6:.1f}" for name in CONTESTANTS]
            shown.add_row(f"{size:,}", *figures, f"{alone / rows * 1e6:.1f}")
        written = {name: contents(dataset) for name, dataset in datasets.items()}
    for name, found in written.items():
        assert found == written["arrow"], f"{name} wrote something else"
    Console(width=110).print(shown)


if __name__ == "__main__":
    main()
