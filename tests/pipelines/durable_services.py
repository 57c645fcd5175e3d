"""The services of a running job, each behind a server that can be cut off, and restarted with what they hold.

A durable service that is restarted is away for a while, has forgotten nothing that it answered, and gives no
id twice. BigQuery's emulator can do that by itself: it keeps its tables in a file, and is killed. The other
two keep all in memory: while nobody reaches them, what they hold is read out; a new process on the same port
gets it. What comes of calls under way is as open as it always is when a connection breaks.

BigQuery's REST interface has no server in between, and another port after a restart: a running job asks it
only about actions that have expired, and about columns that are missing.
"""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Self, get_args

import msgspec

from pipelines.live_config import Endpoints
from pipelines.live_services import profiles_of
from pipelines.local.emulators import Service, start_emulator
from pipelines.local.services import LocalServices
from tests.pipelines.live_world import LiveWorld
from tests.sinks.append_rows_proxy import AppendRowsProxy
from tests.sinks.bigtable_copy import read_table, write_table
from tests.sinks.faults import FaultyServer
from tests.sinks.pubsub_copy import read_pubsub, write_pubsub

_THREADS = 32


class DurableServices(LocalServices):
    """The emulators of a test module, and what stands before them.

    Attributes:
        pubsub, bigtable, bigquery: the servers before them.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._folder = folder
        self._between = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for service in get_args(Service):
                self._start(service)
                starting.callback(self._stop, service)
            emulators = self.emulators
            self.pubsub = starting.enter_context(FaultyServer(emulators["pubsub"].host, threads=_THREADS))
            self.bigtable = starting.enter_context(FaultyServer(emulators["bigtable"].host, threads=_THREADS))
            self.bigquery = starting.enter_context(AppendRowsProxy(emulators["bigquery"].host))
            self._between = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._between.close()

    def endpoints_between(self) -> Endpoints:
        """Where the servers before the emulators listen."""
        rest = self.emulators["bigquery"].rest
        return Endpoints(self.pubsub.host, self.bigtable.host, self.bigquery.host, rest)

    def restart_pubsub(self, world: LiveWorld) -> None:
        """Pub/Sub is away and comes back with all that was not acknowledged; leases are lost."""
        self.pubsub.stop()
        workspace = world.workspace
        names = [world.config.subscription, *map(world.audit, workspace.channels)]
        copy = read_pubsub(self.emulators["pubsub"].host, world.config.project, names)
        self._restart("pubsub")
        write_pubsub(self.emulators["pubsub"].host, copy)
        self.pubsub.start()

    def restart_bigtable(self, world: LiveWorld) -> None:
        """Bigtable is away and comes back with every cell."""
        self.bigtable.stop()
        address = profiles_of(world.config, world.workspace).address
        entries = read_table(address)
        self._restart("bigtable")
        write_table(address, [world.workspace.name], entries)
        self.bigtable.start()

    def restart_bigquery(self, world: LiveWorld) -> None:
        """BigQuery is killed and comes back with its file."""
        os.killpg(self.emulators["bigquery"].process.pid, signal.SIGKILL)
        self.bigquery.stop()
        self._restart("bigquery")
        self.bigquery.start()
        world.config = msgspec.structs.replace(world.config, endpoints=self.endpoints())

    def _restart(self, service: Service) -> None:
        port = int(self.emulators[service].host.rpartition(":")[2])
        self._stop(service)
        self._start(service, port)

    def _start(self, service: Service, port: int | None = None) -> None:
        data = self._folder / "data" if service == "bigquery" else None
        log = self._folder / f"{service}.log"
        self.emulators[service] = start_emulator(service, log, port=port, data=data)

    def _stop(self, service: Service) -> None:
        self.emulators[service].stop()
