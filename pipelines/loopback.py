"""Servers of a local job on loopback alone.

Beam's local runner serves its worker processes on every interface of the machine, without asking who calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

_EVERY_INTERFACE = "[::]:"
_LOOPBACK = "127.0.0.1:"


@contextmanager
def loopback_servers() -> Iterator[None]:
    """Inside, gRPC servers that ask for every interface get loopback alone."""
    make_server = grpc.server

    def make_loopback_server(*arguments: Any, **options: Any) -> Any:
        server = make_server(*arguments, **options)
        add_port = server.add_insecure_port
        server.add_insecure_port = lambda address: add_port(address.replace(_EVERY_INTERFACE, _LOOPBACK))
        return server

    grpc.server = make_loopback_server
    try:
        yield
    finally:
        grpc.server = make_server
