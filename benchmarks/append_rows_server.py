"""A Storage Write API that takes every row at once and keeps none; prints its port, and serves until killed.

BigQuery's emulator takes a core for a thousand rows a second or so. In its place this one shows what the job
itself can do.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from google.cloud.bigquery_storage_v1.types import AppendRowsResponse

_METHOD = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows"
_TAKEN = AppendRowsResponse.serialize(AppendRowsResponse(append_result=AppendRowsResponse.AppendResult()))


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """Takes calls of AppendRows alone."""
        return (
            grpc.stream_stream_rpc_method_handler(_take) if handler_call_details.method == _METHOD else None
        )


def _take(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    for _ in requests:
        yield _TAKEN


def main() -> None:
    """Serves on a free port of the loopback interface."""
    server = grpc.server(
        ThreadPoolExecutor(100), options=[("grpc.max_receive_message_length", -1)], handlers=[_Handler()]
    )
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
