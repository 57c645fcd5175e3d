"""The peers that need no environment of their own give what `cjaas run` gives, byte for byte."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from benchmarks.journey import differences
from benchmarks.outputs import contents
from benchmarks.peers.parts import Job
from pipelines.cli.main import main

SHOP = Path(__file__).resolve().parents[2] / "benchmarks" / "shop"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small firehose of the shop."""
    path = tmp_path_factory.mktemp("source") / "shop.ndjson"
    assert main(["generate", "--workspace", str(SHOP), "--events", "2000", "--output", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def expected(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `cjaas run` makes of it."""
    output = tmp_path_factory.mktemp("cjaas") / "output"
    assert main(["run", "--workspace", str(SHOP), "--input", str(source), "--output", str(output)]) == 0
    return contents(output)


@pytest.mark.parametrize("peer", ["plain_loop", "elementwise_beam"])
def test_peer_gives_what_the_job_gives(
    peer: str, source: Path, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_handlers, "STATE_CACHE_SIZE_MB", worker_handlers.STATE_CACHE_SIZE_MB)
    import_module(f"benchmarks.peers.{peer}").run(Job(SHOP, source, tmp_path))
    found = contents(tmp_path)
    assert found["events"] == 2000
    assert all(found[name] for name in expected)
    assert differences(found, expected) == []


def test_one_lost_profile_is_seen(expected: dict[str, Any]) -> None:
    assert differences(expected | {"profiles": expected["profiles"] - 1}, expected) == ["profiles"]


def test_digests_tell_contents_of_equal_number_apart(source: Path, tmp_path: Path) -> None:
    lines = source.read_bytes().splitlines()
    found = []
    for name, chosen in (("first", lines[:300]), ("second", lines[300:600])):
        part = tmp_path / f"{name}.ndjson"
        part.write_bytes(b"\n".join(chosen))
        job = Job(SHOP, part, tmp_path / name)
        job.output.mkdir()
        import_module("benchmarks.peers.plain_loop").run(job)
        found.append(contents(tmp_path / name))
    assert {"tape_digest", "profiles_digest"} <= set(differences(found[0], found[1]))
