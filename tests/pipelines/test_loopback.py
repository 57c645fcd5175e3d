"""A local job's servers."""

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc

from pipelines.loopback import loopback_servers


def test_servers_take_ports_of_the_loopback_interface() -> None:
    make_server = grpc.server
    with ThreadPoolExecutor(1) as pool, loopback_servers():
        server = grpc.server(pool)
        port = server.add_insecure_port("[::]:0")
        server.start()
        try:
            with socket.create_connection(("127.0.0.1", port)):
                pass
            with socket.socket() as other:
                # An address of the loopback network that only a server on every interface answers.
                assert other.connect_ex(("127.0.0.2", port)) != 0
        finally:
            server.stop(None).wait()
    assert grpc.server is make_server
