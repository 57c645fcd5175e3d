"""Runs that tests share: over a firehose of the shop, and over the day of backtests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.pipelines.backtests import Trial, run_day
from tests.pipelines.command_line import SHOP, run_shop, well


class Firehose(NamedTuple):
    """A generated file and what it holds."""

    path: Path
    tally: dict[str, Any]


class Run(NamedTuple):
    """An output and its summary."""

    output: Path
    summary: dict[str, Any]


@pytest.fixture(scope="session")
def firehose(tmp_path_factory: pytest.TempPathFactory) -> Firehose:
    path = tmp_path_factory.mktemp("firehose") / "events.ndjson"
    words = ("--events", 3000, "--people", 150, "--days", 6, "--seed", 7)
    shares = ("--duplicates", 0.05, "--late", 0.04, "--broken", 0.03)
    return Firehose(
        path, well("generate", "--workspace", SHOP, "--output", path, *words, *shares, "--json").json()
    )


@pytest.fixture(scope="session")
def shop(firehose: Firehose, tmp_path_factory: pytest.TempPathFactory) -> Run:
    output = tmp_path_factory.mktemp("shop") / "output"
    return Run(output, run_shop(output, firehose.path))


@pytest.fixture(scope="session")
def day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of the run that backtests go over."""
    return run_day(tmp_path_factory.mktemp("backtest"))


@pytest.fixture
def trial(tmp_path: Path, day: Path) -> Trial:
    return Trial(tmp_path, day)
