"""A gRPC server between a client and an emulator that fails calls as it is told.

A test gives a client `FaultyServer.host` in the emulator's place; nothing in the client knows of it. It
forwards bytes, so it serves any gRPC service.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any, Self

import grpc
from google.cloud.bigtable_v2.types import bigtable

from pipelines.local.emulators import free_port

CONDITIONAL = "CheckAndMutateRow"
BULK = "MutateRows"
READ = "ReadRows"

_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
)
_MutateRowsRequest: Any = bigtable.MutateRowsRequest.pb()
_MutateRowsResponse: Any = bigtable.MutateRowsResponse.pb()


@dataclass
class Fault:
    """What happens to one call: first `meanwhile` and the delay, then the rest of it.

    Attributes:
        silent: nothing is forwarded, and nothing answered until the client gives up.
    """

    code: grpc.StatusCode | None = None
    details: str = "failed by the test"
    applied: bool = False
    answers: int = 0
    rows: dict[int, grpc.StatusCode] = field(default_factory=dict)
    meanwhile: Callable[[], object] | None = None
    delay_seconds: float = 0.0
    silent: bool = False


class FaultyServer(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The server in between.

    Attributes:
        host: where it listens, `127.0.0.1:PORT`; the same after `restart`.
        calls: how many calls of each method came.
        requests: the last request of each method that the emulator got.
        metadata: of the last call of each method, names that begin with `x-`.
        failures: what `meanwhile` raised; the first of them is raised when the server ends.
        usual: what happens to a call that no test has named, by its method.
    """

    def __init__(self, target: str, *, threads: int = 8) -> None:
        """`threads`: so many calls at once; an open stream takes one."""
        self.calls: Counter[str] = Counter()
        self.requests: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.failures: list[BaseException] = []
        self._target = grpc.insecure_channel(target, options=_OPTIONS)
        self._faults: dict[tuple[str, int], Fault] = {}
        self._lock = Lock()
        self._threads = threads
        self.usual: Callable[[str], Fault] = lambda _: Fault()
        self.host = f"127.0.0.1:{free_port()}"
        self.start()

    def fail(
        self,
        method: str,
        code: grpc.StatusCode,
        *,
        call: int = 1,
        calls: int = 1,
        applied: bool = False,
        answers: int = 0,
    ) -> None:
        """Fails calls of a method, the next one being number 1.

        Args:
            method: its last name, such as `MutateRows`.
            call: the first that fails.
            calls: how many fail.
            applied: whether the emulator gets them, and only the answer is lost.
            answers: of a stream, how many answers come through before it breaks; needs `applied`.
        """
        for number in range(call, call + calls):
            fault = self._fault(method, number)
            fault.code, fault.applied, fault.answers = code, applied, answers

    def fail_rows(self, rows: dict[int, grpc.StatusCode], *, call: int = 1, calls: int = 1) -> None:
        """Fails entries of MutateRows by their index; all others are applied."""
        for number in range(call, call + calls):
            self._fault(BULK, number).rows = rows

    def meanwhile(self, method: str, do: Callable[[], object], *, call: int = 1) -> None:
        """Has something done while a call is held up, before the emulator gets it."""
        self._fault(method, call).meanwhile = do

    def heal(self) -> None:
        """Forgets what has not come to pass."""
        with self._lock:
            self._faults.clear()

    def _fault(self, method: str, call: int) -> Fault:
        with self._lock:
            return self._faults.setdefault((method, self.calls[method] + call), Fault())

    def stop(self) -> None:
        """Breaks all connections and takes no more."""
        self._server.stop(None).wait()

    def restart(self) -> None:
        """Breaks all connections, and listens again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Ends for good."""
        self.stop()
        self._target.close()
        for failure in self.failures:
            raise failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Listens, after `stop` as before."""
        self._server = grpc.server(ThreadPoolExecutor(self._threads), handlers=(self,), options=_OPTIONS)
        self._server.add_insecure_port(self.host)
        self._server.start()

    def service(self, details: Any) -> Any:
        """Takes calls of any method: a unary call is a stream of one."""
        path = details.method

        def answer(requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
            return self._answer(path, requests, context)

        return grpc.stream_stream_rpc_method_handler(answer)

    def _answer(self, path: str, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        method = path.rsplit("/", 1)[1]
        with self._lock:
            self.calls[method] += 1
            fault = self._faults.pop((method, self.calls[method]), None) or self.usual(method)
        if fault.meanwhile:
            try:
                fault.meanwhile()
            except BaseException as failure:
                self.failures.append(failure)
                raise
        if fault.silent or fault.delay_seconds:
            gone = Event()
            if not context.add_callback(gone.set) or gone.wait(None if fault.silent else fault.delay_seconds):
                return
        if fault.code and not fault.applied:
            context.abort(fault.code, f"{fault.details}, not applied")
        try:
            if fault.rows:
                yield self._write_others(path, next(requests), fault)
                return
            metadata = [pair for pair in context.invocation_metadata() if pair[0].startswith("x-")]
            self.metadata[method] = dict(metadata)
            forwarded = self._target.stream_stream(path)(
                self._noted(method, requests), timeout=context.time_remaining(), metadata=metadata
            )
            context.add_callback(forwarded.cancel)
            for number, response in enumerate(forwarded):
                if not fault.code or number < fault.answers:
                    yield response
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
        if fault.code:
            context.abort(fault.code, f"{fault.details}, but applied")

    def _noted(self, method: str, requests: Iterator[bytes]) -> Iterator[bytes]:
        try:
            for request in requests:
                self.requests[method] = request
                yield request
        except grpc.RpcError:
            # The client has gone.
            return

    def _write_others(self, path: str, request: bytes, fault: Fault) -> bytes:
        """Forwards the entries that don't fail, and answers for all of them."""
        wanted = _MutateRowsRequest.FromString(request)
        answer = _MutateRowsResponse()
        others = [index for index in range(len(wanted.entries)) if index not in fault.rows]
        for index, code in fault.rows.items():
            if index < len(wanted.entries):
                answer.entries.add(index=index).status.code = code.value[0]
        forwarded = _MutateRowsRequest()
        forwarded.CopyFrom(wanted)
        del forwarded.entries[:]
        forwarded.entries.extend(wanted.entries[index] for index in others)
        if others:
            call = self._target.unary_stream(path)
            for response in call(forwarded.SerializeToString(), timeout=10):
                for entry in _MutateRowsResponse.FromString(response).entries:
                    entry.index = others[entry.index]
                    answer.entries.append(entry)
        whole: bytes = answer.SerializeToString()
        return whole
