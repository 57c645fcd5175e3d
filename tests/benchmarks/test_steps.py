"""The steps that are measured one by one make what the job makes of the same events."""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks.outputs import contents
from benchmarks.peers.parts import Job
from benchmarks.peers.plain_loop import run
from benchmarks.steps import MEASURED, Steps, run_steps
from pipelines.cli.main import main
from schemas.workspace import load_workspace
from sinks.event_files import EventFiles

SHOP = Path(__file__).resolve().parents[2] / "benchmarks" / "shop"


def test_steps_are_the_whole_job(tmp_path: Path) -> None:
    source = tmp_path / "shop.ndjson"
    assert main(["generate", "--workspace", str(SHOP), "--events", "1000", "--output", str(source)]) == 0
    loop, stepwise = tmp_path / "loop", tmp_path / "steps"
    loop.mkdir()
    stepwise.mkdir()
    run(Job(SHOP, source, loop))
    steps = Steps()
    messages = run_steps(load_workspace(SHOP, os.environ), EventFiles((str(source),)), stepwise, steps)
    assert messages == 1000
    assert set(steps.seconds) == set(MEASURED)
    assert min(steps.seconds.values()) > 0
    # Steps keep no dead letters and count nothing; all else is the same.
    folded = {"folded": contents(loop)["folded"]}
    (stepwise / "summary.json").write_text(json.dumps(folded))
    found, expected = contents(stepwise), contents(loop)
    differing = [name for name in expected if found[name] != expected[name]]
    assert differing == ["events", "dead_letters"]
