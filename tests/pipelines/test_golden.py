"""The golden events through the command line; `python -m tests.pipelines.golden --write` writes anew."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.pipelines import golden
from tests.pipelines.command_line import run_shop, well


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("golden") / "output"
    run_shop(path, golden.INPUT)
    return path


@pytest.fixture(scope="module")
def observed(output: Path) -> dict[str, str]:
    return golden.observe(output)


@pytest.mark.parametrize("name", sorted(path.name for path in golden.EXPECTED.iterdir()))
def test_what_the_job_makes_of_the_golden_events(observed: dict[str, str], name: str) -> None:
    assert observed[name].splitlines() == (golden.EXPECTED / name).read_text().splitlines()


def test_every_observation_is_expected(observed: dict[str, str]) -> None:
    assert set(observed) == {path.name for path in golden.EXPECTED.iterdir()}


def test_the_tape_keeps_each_message_as_it_was_sent(output: Path) -> None:
    kept = {
        row["message_id"]: row["payload"]
        for row in well(
            "sql", "SELECT message_id, payload FROM tape_raw", "--output", output, "--json"
        ).lines()
    }
    offset = 0
    compared = 0
    for line in golden.INPUT.read_bytes().split(b"\n"):
        message_id = f"input.ndjson@{offset}"
        sent: str = line.decode()
        offset += len(line) + 1
        if b'"messageId"' in line:
            message = json.loads(line)
            message_id = message["messageId"]
            sent = base64.b64decode(message["data"]).decode()
        if message_id in kept:
            assert kept[message_id] == sent
            compared += 1
    assert compared == len(kept) == 41
