"""What a running job is told: where its streams, tables and services are."""

from __future__ import annotations

from pathlib import Path

import msgspec

from schemas.errors import CjaasError
from sinks.bigtable_cache import CACHE_BYTES


class Endpoints(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Emulators that stand for the services, as `HOST:PORT`, BigQuery's REST interface as a URL."""

    pubsub: str
    bigtable: str
    bigquery: str
    bigquery_rest: str


class LiveConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One running job.

    Attributes:
        workspace: its directory.
        project: the project of all that follows.
        subscription: the firehose's, by its short name.
        instance: Bigtable's.
        table: of profiles, in that instance.
        dataset: BigQuery's, of the workspace.
        location: where a new dataset is made.
        endpoints: of emulators; None for the real services.
        readers: how many reads of the subscription go on at once.
        ack_deadline_seconds: of the subscription, 10 to 600: so long after a crash its messages come again.
        cache_mb: what images may take that a worker keeps in memory, in MiB.
    """

    workspace: str
    project: str
    subscription: str
    instance: str
    table: str
    dataset: str
    location: str = "EU"
    endpoints: Endpoints | None = None
    readers: int = 1
    ack_deadline_seconds: int = 60
    cache_mb: int = CACHE_BYTES >> 20


LIVE_NAME = "live.json"
"""The file of a `LiveConfig` in the directory of a local job."""
STATUS_NAME = "status.json"
"""The file beside it that the job says every second in how it fares."""


class Status(msgspec.Struct, frozen=True):
    """How a running job fares.

    Attributes:
        at_us: when this was said, in microseconds.
        state: the runner's word for it.
        counters: those of the registry of metrics.
    """

    at_us: int
    state: str
    counters: dict[str, int]


def read_status(directory: Path) -> Status | None:
    """What the job of a directory last said of itself, None before it said anything."""
    try:
        return msgspec.json.decode((directory / STATUS_NAME).read_bytes(), type=Status)
    except FileNotFoundError:
        return None


def read_live_config(path: Path) -> LiveConfig:
    """The job that a file describes.

    Raises:
        CjaasError: it cannot be read, or describes none.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=LiveConfig)
    except (OSError, msgspec.DecodeError) as error:
        raise CjaasError(f"{path}: expected the description of a running job, found: {error}") from None
