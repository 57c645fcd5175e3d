"""A relay before the Pub/Sub emulator that writes down each call, and fails those that it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc


@dataclass
class PubSubProxy:
    """Attributes: `host` is what clients are given; `calls` are the methods called and their requests."""

    host: str
    calls: list[tuple[str, bytes]] = field(default_factory=list)
    _ended: list[str] = field(default_factory=list)
    _failures: dict[str, list[tuple[grpc.StatusCode, bool]]] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def fail(self, method: str, code: grpc.StatusCode, times: int = 1, *, lost: bool = False) -> None:
        """The next calls of a method are refused; `lost`: they do what they should, and then end so."""
        with self._changed:
            self._failures.setdefault(method, []).extend([(code, lost)] * times)

    def requests(self, method: str) -> list[bytes]:
        with self._changed:
            return [request for called, request in self.calls if called == method]

    def wait_for(self, method: str, count: int = 1, seconds: float = 20) -> list[bytes]:
        """The requests of a method, once there are so many."""

        def found() -> list[bytes]:
            return [request for called, request in self.calls if called == method]

        with self._changed:
            assert self._changed.wait_for(lambda: len(found()) >= count, seconds), f"no {method} in time"
            return found()

    def wait_for_the_end_of_all(self, method: str, seconds: float = 20) -> None:
        """Until each call of a method was answered, or its caller went away."""

        def over() -> bool:
            return self._ended.count(method) == sum(called == method for called, _ in self.calls)

        with self._changed:
            assert self._changed.wait_for(over, seconds), f"a {method} has not ended in time"

    def take_failure(self, method: str, lost: bool) -> grpc.StatusCode | None:
        with self._changed:
            failures = self._failures.get(method)
            if not failures or failures[0][1] is not lost:
                return None
            return failures.pop(0)[0]

    def note(self, method: str, request: bytes) -> None:
        with self._changed:
            self.calls.append((method, request))
            self._changed.notify_all()

    def note_end(self, method: str) -> None:
        with self._changed:
            self._ended.append(method)
            self._changed.notify_all()


class _Relay(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, proxy: PubSubProxy, channel: Any) -> None:
        self._proxy = proxy
        self._channel = channel

    def service(self, details: Any) -> Any:
        path = details.method
        forward = self._channel.unary_unary(path)
        return grpc.unary_unary_rpc_method_handler(self._answer(path.rpartition("/")[2], forward))

    def _answer(self, method: str, forward: Any) -> Callable[[bytes, Any], bytes]:
        def answer(request: bytes, context: Any) -> bytes:
            self._proxy.note(method, request)
            if not context.add_callback(lambda: self._proxy.note_end(method)):
                self._proxy.note_end(method)
            self._refuse(method, context, lost=False)
            under_way = forward.future(request)
            context.add_callback(under_way.cancel)
            try:
                response: bytes = under_way.result()
            except grpc.FutureCancelledError:
                context.abort(grpc.StatusCode.CANCELLED, "cancelled")
                raise
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
                raise
            self._refuse(method, context, lost=True)
            return response

        return answer

    def _refuse(self, method: str, context: Any, *, lost: bool) -> None:
        code = self._proxy.take_failure(method, lost)
        if code is not None:
            context.abort(code, "as told")


@contextmanager
def pubsub_proxy(emulator_host: str) -> Iterator[PubSubProxy]:
    channel = grpc.insecure_channel(emulator_host)
    server = grpc.server(ThreadPoolExecutor(16))
    proxy = PubSubProxy(f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.add_generic_rpc_handlers([_Relay(proxy, channel)])
    server.start()
    try:
        yield proxy
    finally:
        server.stop(0).wait()
        channel.close()
