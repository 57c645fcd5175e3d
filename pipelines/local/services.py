"""The three emulators of a local job, started and ended together."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Self, get_args

from pipelines.live_config import Endpoints
from pipelines.local.emulators import Emulator, Service, find_emulator, how_to_get, start_emulator
from pipelines.local.prism import HOW_TO, find_prism
from schemas.errors import CjaasError


class LocalServices:
    """Pub/Sub, Bigtable and BigQuery on free ports, until this is left."""

    def __init__(self, logs: Path) -> None:
        """Nothing is started yet.

        Args:
            logs: the folder that each emulator's words go to.
        """
        self._logs = logs
        self._stack = ExitStack()
        self.emulators: dict[Service, Emulator] = {}

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for service in get_args(Service):
                log = self._log(service)
                self.emulators[service] = starting.enter_context(start_emulator(service, log))
            self._stack = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def check(self) -> None:
        """Sees that all are still there.

        Raises:
            CjaasError: one has ended, and what it held is gone with it.
        """
        for service, emulator in self.emulators.items():
            code = emulator.process.poll()
            if code is not None:
                raise CjaasError(
                    f"the {service} emulator ended by itself with exit code {code}, "
                    f"and what it held is gone; see {self._log(service)}"
                )

    def _log(self, service: Service) -> Path:
        return self._logs / f"{service}.log"

    def endpoints(self) -> Endpoints:
        """Where they listen."""
        bigquery = self.emulators["bigquery"]
        return Endpoints(
            self.emulators["pubsub"].host, self.emulators["bigtable"].host, bigquery.host, bigquery.rest
        )


def check_tools() -> None:
    """Sees that all is here that a local job needs.

    Raises:
        CjaasError: something is missing; names all that is, and how to get it.
    """
    missing = [how_to_get(service) for service in get_args(Service) if find_emulator(service) is None]
    if find_prism() is None:
        missing.append(HOW_TO)
    if missing:
        raise CjaasError("; ".join(missing))
