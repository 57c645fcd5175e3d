"""Emulators for tests: one of each a test run, with a clean corner for each test by names of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.local.emulators import Emulator, Service, find_emulator, how_to_get, start_emulator


@contextmanager
def running(service: Service, folder: Path) -> Iterator[Emulator]:
    """An emulator; on a machine without it the test is skipped, and fails in CI."""
    require(service)
    with start_emulator(service, folder / f"{service}.log") as emulator:
        yield emulator


def require(service: Service) -> None:
    """Skips a test, or fails it in CI, where an emulator is missing."""
    if find_emulator(service) is None:
        missing(how_to_get(service))


def missing(what: str) -> None:
    """Skips a test for want of a tool, or fails it in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def pubsub_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Pub/Sub."""
    with running("pubsub", tmp_path_factory.mktemp("pubsub")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def bigtable_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """Bigtable."""
    with running("bigtable", tmp_path_factory.mktemp("bigtable")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def bigquery_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """BigQuery."""
    with running("bigquery", tmp_path_factory.mktemp("bigquery")) as emulator:
        yield emulator
