"""`cjaas up` and its companions, as a person uses them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.cli.up import line
from pipelines.live_config import LIVE_NAME, STATUS_NAME, Status
from pipelines.local import services as local_services
from pipelines.local.job_directory import PID_NAME
from pipelines.local.prism import HOW_TO, find_prism
from tests.emulators import missing, require
from tests.pipelines.command_line import ROOT, SHOP, cjaas, command, well
from tests.pipelines.live_world import live_shop
from tests.pipelines.processes import members, processes

PATIENCE_SECONDS = 90


def test_how_a_job_fares_is_one_line() -> None:
    before = Status(1_000_000, "RUNNING", {"read": 100})
    counters = {
        "read": 1_600,
        "valid": 1_590,
        "dead_letters:invalid_json": 7,
        "dead_letters:too_old": 3,
        "actions:web": 2,
        "commits": 40,
        "delivery_lag_ms": 250,
        "watermark_age_ms": 5_000,
    }
    assert line(Status(2_500_000, "RUNNING", counters), before) == (
        "1,000 in/s · 1,590 valid · 10 dead letters · 2 actions · 40 commits · lag 0.2 s · "
        "watermark 5.0 s old (running)"
    )
    assert line(Status(2_500_000, "RUNNING", {}), None).startswith("0 in/s · 0 valid")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("publish", "events.ndjson"), "expected a job that is up, found no live.json"),
        (("tail", "web"), "expected a job that is up, found no live.json"),
        (
            ("tail", "fax"),
            "expected a channel of web, push, sms, email, agent_desktop, walk_in, webhook, found 'fax'",
        ),
        (
            ("publish", "events.ndjson", "--rate", "0"),
            "--rate: expected more than 0 events a second, found 0",
        ),
        (("down",), "no job is up there"),
        (("sql", "SELECT 1"), "run `cjaas run` or `cjaas up` first"),
    ],
)
def test_what_needs_a_running_job_says_so(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = cjaas(*words, "--workspace", SHOP, "--output", tmp_path)
    assert done.code in (1, 2)
    assert done.err.startswith("cjaas: ")
    assert done.err.count("\n") == 1
    assert told in done.err


def test_missing_tools_are_all_named_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_services, "find_emulator", lambda service: None)
    monkeypatch.setattr(local_services, "find_prism", lambda: None)
    done = cjaas("up", "--workspace", SHOP, "--output", tmp_path / "live")
    assert (done.code, done.err.count("\n")) == (1, 1)
    for name in ("pubsub", "bigtable", "bigquery", "Prism", "make emulators"):
        assert name in done.err
    assert not (tmp_path / "live").exists()


class Up:
    """`cjaas up` in a process of its own."""

    def __init__(self, shop: Path, output: Path) -> None:
        self.where = ("--workspace", shop, "--output", output)
        self.output = output
        self.process = subprocess.Popen(
            command("up", *self.where), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def await_status(self) -> dict[str, int]:
        for _ in range(PATIENCE_SECONDS * 10):
            path = self.output / STATUS_NAME
            if path.exists():
                counters: dict[str, int] = json.loads(path.read_bytes())["counters"]
                if counters.get("read", 0) >= 300:
                    return counters
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"it ended: {self.process.communicate()}")
        pytest.fail("it read nothing")

    def kill(self, word: str) -> None:
        """Kills what it started, by a word of its command line."""
        (group,) = (
            each.group for each in processes() if each.parent == self.process.pid and word in each.words
        )
        os.killpg(group, signal.SIGKILL)

    def await_line(self, text: str) -> str:
        """What it prints, up to a line with a text in it."""
        assert self.process.stdout is not None
        said = ""
        for printed in self.process.stdout:
            said += printed
            if text in printed:
                return said
        pytest.fail(f"it ended, and had said: {said}")

    def await_up(self, name: str = LIVE_NAME) -> None:
        while not (self.output / name).exists():
            try:
                self.process.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"it ended: {self.process.communicate()}")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    require("pubsub")
    require("bigtable")
    require("bigquery")
    if find_prism() is None:
        missing(HOW_TO)
    started = Up(live_shop(tmp_path / "shop"), tmp_path / "live")
    yield started
    if started.process.poll() is None:
        started.process.terminate()
        started.process.communicate(timeout=PATIENCE_SECONDS)


def test_up_publish_look_and_down(up: Up, tmp_path: Path) -> None:
    up.await_up(STATUS_NAME)
    up.kill("pipelines.live_job")
    said = up.await_line("The job ended by itself after ")
    assert "with exit code -9; it starts again in 1 s; see " in said
    assert "Publish: cjaas publish FILE" in said
    events = tmp_path / "events.ndjson"
    # `cjaas tail` hears what is published from now on.
    tail = subprocess.Popen(
        command("tail", "web", "--number", 1, *up.where), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    cjaas("generate", "--workspace", SHOP, "--events", 300, "--days", 1, "--output", events)
    published = well("publish", events, *up.where, "--json").json()
    assert published["messages"] == 300
    up.await_status()
    again = cjaas("up", *up.where)
    assert (again.code, "a job is up there" in again.err) == (1, True)
    letters = 300 - counted(up, "SELECT count(*) AS n FROM tape_raw")
    assert counted(up, "SELECT count(*) AS n FROM dead_letters") == letters
    person = well("sql", "SELECT person_id FROM tape LIMIT 1", *up.where, "--json").json()["person_id"]
    assert well("profile", person, *up.where, "--json").json()["person_id"] == person
    action = json.loads(tail.communicate(timeout=PATIENCE_SECONDS)[0])
    assert action["channel"] == "web"
    assert f"as action {action['action_id']}" in well("explain", action["action_id"], *up.where).out.replace(
        "\n", " "
    )
    withdrawn = well("preferences", person, "--consent", "advisory=withdrawn", *up.where).out
    assert withdrawn.startswith("Published 1 messages, ")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (advisory := advisory_of(person, up))["said"] is None:
        assert time.monotonic() < deadline
    assert (advisory["said"]["value"], advisory["reason"]) == (False, "no_consent")
    assert well("down", "--output", up.output).out == f"Ended process {up.process.pid}.\n"
    _, err = up.process.communicate(timeout=PATIENCE_SECONDS)
    assert (up.process.returncode, err) == (0, "")
    assert [path.name for path in up.output.iterdir()] == ["logs"]
    assert not (up.output / PID_NAME).exists()


def test_up_ends_with_an_emulator(up: Up) -> None:
    up.await_up()
    up.kill("cloud-pubsub-emulator")
    _, err = up.process.communicate(timeout=PATIENCE_SECONDS)
    log = up.output / "logs" / "pubsub.log"
    assert (up.process.returncode, err) == (
        1,
        "cjaas: the pubsub emulator ended by itself with exit code -9, and what it held is gone; "
        f"see {log}\n",
    )
    assert not [each for each in processes() if str(up.output) in each.words]


def test_all_that_up_started_ends_with_it(up: Up, tmp_path: Path) -> None:
    up.await_up(STATUS_NAME)
    started = {each.group for each in processes() if each.parent == up.process.pid}
    assert len(started) == 4
    # Each emulator and the job have a leader, the job has the runner.
    assert sum(len(members(group)) for group in started) >= 9
    up.process.kill()
    up.process.communicate()
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(map(members, started)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        for group in filter(members, started):
            os.killpg(group, signal.SIGKILL)
    assert "Removed what it left: up.pid, live.json, status.json." in well("down", "--output", up.output).out
    assert [path.name for path in up.output.iterdir()] == ["logs"]


def advisory_of(person: str, up: Up) -> dict[str, Any]:
    """What a person permits of advisory messages."""
    shown = well("preferences", person, *up.where, "--json").json()
    advisory: dict[str, Any] = shown["categories"]["advisory"]
    return advisory


def counted(up: Up, query: str) -> int:
    """One number, once it stays the same: the job may still be writing."""
    numbers: list[Any] = []
    while len(numbers) < 2 or numbers[-1] != numbers[-2]:
        numbers.append(well("sql", query, *up.where, "--json").json()["n"])
    return int(numbers[-1])
