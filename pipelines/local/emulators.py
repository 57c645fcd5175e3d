"""Emulators of Pub/Sub, Bigtable and BigQuery: found, started on free loopback ports, and ended."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Self

from pipelines.local.process_group import end_group, start_group
from schemas.errors import CjaasError

Service = Literal["pubsub", "bigtable", "bigquery"]
PROJECT: Final = "cjaas-local"
"""The project id that everything local goes by."""

_LOOPBACK: Final = "127.0.0.1"
_ROOT: Final = Path(__file__).resolve().parents[2]
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.05
_PROGRAMS: Final = {
    "pubsub": "pubsub-emulator/bin/cloud-pubsub-emulator",
    "bigtable": "bigtable-emulator/cbtemulator",
}
_BIGQUERY: Final = Path(__file__).with_name("bigquery_emulator.py")
_HOW_TO: Final = {
    "pubsub": "install the Google Cloud CLI with its component pubsub-emulator (and Java)",
    "bigtable": "install the Google Cloud CLI with its component bigtable",
    "bigquery": "run `make emulators`",
}


@dataclass
class Emulator:
    """A running emulator; it ends with this process at the latest.

    Attributes:
        host: `127.0.0.1:PORT`, of gRPC.
        rest: the address of its REST interface, `http://127.0.0.1:PORT`; BigQuery's alone.
    """

    service: Service
    host: str
    rest: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """Ends it, and waits until it is gone."""
        end_group(self.process, _STOP_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def find_emulator(service: Service) -> Path | None:
    """The program of an emulator, None where this machine has none."""
    if service == "bigquery":
        own = _ROOT / ".emulators" / "bin"
        return own / "python" if (own / "bqemulator").exists() else None
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    platform = Path(gcloud).resolve().parents[1] / "platform"
    program = platform / _PROGRAMS[service]
    return program if program.exists() else None


def how_to_get(service: Service) -> str:
    """One line that says how to get an emulator."""
    return f"the {service} emulator is not here: {_HOW_TO[service]}"


def free_port() -> int:
    """A port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def start_emulator(
    service: Service, log: Path, *, port: int | None = None, data: Path | None = None
) -> Emulator:
    """Starts an emulator and waits until it takes connections.

    Args:
        log: the file that what it prints is appended to.
        port: where it is to listen; a free port unless said otherwise.
        data: the directory that BigQuery's tables are kept in; in memory unless said otherwise.

    Raises:
        CjaasError: it is not here, or it does not start.
    """
    program = find_emulator(service)
    if program is None:
        raise CjaasError(how_to_get(service))
    port = port or free_port()
    rest_port = port
    if service == "bigquery":
        rest_port = free_port()
        kept = ["--persistent", f"--data-dir={data}"] if data else ["--ephemeral"]
        words = [
            str(_BIGQUERY),
            "start",
            f"--grpc-port={port}",
            f"--rest-port={rest_port}",
            "--log-level=error",
            *kept,
        ]
        words.append(f"--project={PROJECT}")
    else:
        words = [f"--host={_LOOPBACK}", f"--port={port}"]
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_EMULATOR_HOST")}
    process = start_group([str(program), *words], log, environment)
    emulator = Emulator(service, f"{_LOOPBACK}:{port}", f"http://{_LOOPBACK}:{rest_port}", process)
    try:
        _await(process, {port, rest_port}, service, log)
    except BaseException:
        emulator.stop()
        raise
    return emulator


def _await(process: subprocess.Popen[bytes], ports: set[int], service: Service, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    for port in ports:
        while not _listens(port):
            if process.poll() is not None:
                raise CjaasError(f"the {service} emulator ended at once; see {log}")
            if time.monotonic() > deadline:
                raise CjaasError(f"the {service} emulator did not start in {_START_SECONDS:.0f} s; see {log}")
            time.sleep(_POLL_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((_LOOPBACK, port)) == 0
