"""A run that is asked to end, killed, or loses a worker: one line, the right exit code, nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType

import pytest

from pipelines.interruption import Interrupted, Interruption
from schemas.errors import CjaasError
from tests.pipelines.command_line import ROOT, SHOP, command, hidden, run_shop
from tests.pipelines.conftest import Firehose

POLL_SECONDS = 0.01
PATIENCE_SECONDS = 60.0


@pytest.fixture(scope="module")
def long_input(firehose: Firehose, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events for several seconds of work."""
    path = tmp_path_factory.mktemp("long") / "events.ndjson"
    path.write_bytes(firehose.path.read_bytes() * 15)
    return path


class Running:
    """A run in a process group of its own."""

    def __init__(self, events: Path, output: Path, workers: int) -> None:
        options = ("--workspace", SHOP, "--output", output, "--workers", workers)
        self.partial = output.with_name(f".{output.name}.partial-1")
        self.process = subprocess.Popen(
            command("run", "--input", events, *options),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for(self, pattern: str) -> None:
        """Waits until the run has written something."""
        while not next(self.partial.glob(pattern), None):
            try:
                self.process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            pytest.fail(f"ended before it wrote {pattern}: {self.process.communicate()}")

    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def ended(self) -> tuple[int, str]:
        """The exit code, and what it said."""
        out, err = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert out == ""
        return self.process.returncode, err


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until_gone(processes: list[int]) -> None:
    waiting = threading.Event()
    left = PATIENCE_SECONDS
    while any(map(alive, processes)):
        assert left > 0, f"still running: {processes}"
        waiting.wait(POLL_SECONDS)
        left -= POLL_SECONDS


@pytest.mark.parametrize(
    ("number", "code", "verb", "written"),
    [
        (signal.SIGINT, 130, "interrupted", "../.output.partial-1"),
        (signal.SIGINT, 130, "interrupted", "decisions/*"),
        (signal.SIGTERM, 143, "terminated", "tape/*/*.parquet"),
        (signal.SIGHUP, 129, "hung up", "tape/*/*.parquet"),
    ],
)
def test_a_signal_ends_a_run_and_removes_what_it_wrote(
    long_input: Path, tmp_path: Path, number: signal.Signals, code: int, verb: str, written: str
) -> None:
    running = Running(long_input, tmp_path / "output", 1)
    running.wait_for(written)
    running.process.send_signal(number)
    assert running.ended() == (code, f"cjaas: {verb}; no output was written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_signal_ends_the_workers_too(long_input: Path, tmp_path: Path) -> None:
    running = Running(long_input, tmp_path / "output", 2)
    running.wait_for("tape/*/*.parquet")
    workers = running.children()
    assert len(workers) == 2
    # As Ctrl-C does: to every process of the terminal.
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.ended() == (130, "cjaas: interrupted; no output was written\n")
    assert list(tmp_path.iterdir()) == []
    until_gone(workers)


def test_a_killed_run_leaves_a_hidden_directory_and_the_next_one_works(
    firehose: Firehose, long_input: Path, tmp_path: Path
) -> None:
    running = Running(long_input, tmp_path / "output", 2)
    running.wait_for("tape/*/*.parquet")
    children = running.children()
    running.process.kill()
    assert running.ended() == (-signal.SIGKILL, "")
    until_gone(children)
    assert [path.name for path in tmp_path.iterdir()] == [".output.partial-1"]
    assert run_shop(tmp_path / "output", firehose.path)["events"] == 3000
    assert hidden(tmp_path) == [".output.partial-1"]


def test_a_lost_worker_ends_the_run(long_input: Path, tmp_path: Path) -> None:
    running = Running(long_input, tmp_path / "output", 2)
    running.wait_for("tape/*/*.parquet")
    first, second = running.children()
    os.kill(first, signal.SIGKILL)
    told = "a worker process ended before its work was done; run again, with fewer --workers"
    assert running.ended() == (1, f"cjaas: {told}\n")
    assert list(tmp_path.iterdir()) == []
    until_gone([second])


@pytest.fixture
def interruption(monkeypatch: pytest.MonkeyPatch) -> Iterator[Interruption]:
    # An interrupted run leaves its hook behind: its process ends.
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    with Interruption() as noted:
        yield noted


def test_a_signal_waits_for_what_must_not_be_cut(interruption: Interruption) -> None:
    reached = []
    signal.raise_signal(signal.SIGTERM)
    reached.append("outside")
    told = r"^terminated; no output was written$"
    with pytest.raises(Interrupted, match=told) as raised, interruption.raising():
        reached.append("inside")
    assert reached == ["outside"]
    assert raised.value.exit_code == 143


def test_the_first_signal_gives_the_reason_and_listeners_hear_of_it(interruption: Interruption) -> None:
    heard: list[str] = []
    interruption.listen(lambda: heard.append("ended"))
    with pytest.raises(Interrupted, match="interrupted") as raised, interruption.raising():
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    assert raised.value.exit_code == 130
    assert heard == ["ended", "ended"]


def test_whatever_a_signal_turned_into_is_the_interruption(interruption: Interruption) -> None:
    def fail() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except Interrupted as error:
            raise RuntimeError("a step failed") from error

    with pytest.raises(Interrupted, match="interrupted"), interruption.raising():
        fail()


def test_a_swallowed_signal_comes_again(interruption: Interruption) -> None:
    def swallow() -> None:
        with suppress(Interrupted):
            signal.raise_signal(signal.SIGINT)
        threading.Event().wait()

    with pytest.raises(Interrupted, match="interrupted"), interruption.raising():
        swallow()


def test_nothing_is_said_of_what_a_finalizer_swallows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Finalized:
        def __init__(self, last: Callable[[], object]) -> None:
            self.last = last

        def __del__(self) -> None:
            self.last()

    def wait() -> None:
        Finalized(lambda: int("of another kind"))
        Finalized(lambda: signal.raise_signal(signal.SIGINT))
        threading.Event().wait()

    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: told.append(unraisable.exc_type))
    before = sys.unraisablehook
    with (
        Interruption() as interruption,
        pytest.raises(Interrupted, match="interrupted"),
        interruption.raising(),
    ):
        wait()
    assert told == [ValueError]
    assert sys.unraisablehook is before


@pytest.mark.parametrize("interrupted", [False, True])
def test_threads_that_outlive_an_interrupted_run_say_nothing(
    monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_type))
    before = threading.excepthook
    failing = threading.Thread(target=lambda: int("of a lost connection"))
    with Interruption() as noted:
        if interrupted:
            with pytest.raises(Interrupted), noted.raising():
                signal.raise_signal(signal.SIGINT)
    failing.start()
    failing.join()
    assert told == ([] if interrupted else [ValueError])
    assert interrupted or threading.excepthook is before


def test_another_thread_ends_a_run_that_waits(interruption: Interruption) -> None:
    def wait() -> None:
        threading.Thread(target=interruption.fail, args=("the disk is gone",)).start()
        threading.Event().wait()

    with pytest.raises(CjaasError, match=r"^the disk is gone$"), interruption.raising():
        wait()


def test_other_errors_rise_as_they_are(interruption: Interruption) -> None:
    with pytest.raises(KeyError, match="x"), interruption.raising():
        raise KeyError("x")


def test_handlers_are_given_back_and_what_was_ignored_stays_so() -> None:
    def own(number: int, frame: FrameType | None) -> None:
        raise AssertionError("not called")

    before = signal.signal(signal.SIGTERM, own), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interruption():
            assert signal.getsignal(signal.SIGTERM) is not own
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGTERM) is own
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGHUP, before[1])
