"""Where profiles and the journal of a job are read: an output directory, or the services of a running job."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from pipelines.live_config import LIVE_NAME, read_live_config
from schemas.journal import Journal
from schemas.store import ProfileStore
from schemas.workspace.model import Workspace


class Stores(NamedTuple):
    """What a job has made."""

    profiles: ProfileStore
    journal: Journal


@contextmanager
def journal_of(output: Path) -> Iterator[Journal]:
    """The journal of the job of a directory, running or ended.

    Raises:
        CjaasError: it cannot be read.
    """
    journal: Journal
    if (output / LIVE_NAME).exists():
        from pipelines.live_services import dataset_of
        from sinks.bigquery_journal import BigQueryJournal

        journal = BigQueryJournal(dataset_of(read_live_config(output / LIVE_NAME)))
    else:
        from sinks.warehouse import Warehouse

        journal = Warehouse(output)
    with closing(journal):
        yield journal


@contextmanager
def stores_of(output: Path, workspace: Workspace) -> Iterator[Stores]:
    """Profiles and journal of the job of a directory, running or ended.

    Raises:
        CjaasError: they cannot be read.
    """
    profiles: ProfileStore
    with ExitStack() as stack:
        journal = stack.enter_context(journal_of(output))
        if (output / LIVE_NAME).exists():
            from pipelines.live_services import profiles_of

            profiles = profiles_of(read_live_config(output / LIVE_NAME), workspace)
        else:
            from sinks.sqlite_profiles import SqliteProfiles

            profiles = SqliteProfiles(output / "profiles.sqlite", read_only=True)
        stack.enter_context(closing(profiles))
        yield Stores(profiles, journal)
