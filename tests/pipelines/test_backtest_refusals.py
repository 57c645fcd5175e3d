"""`cjaas backtest` on what it cannot use, or must not replace: a line that says so, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.live_config import LIVE_NAME
from sinks.output import OutputDirectory
from tests.pipelines.backtests import Trial, decisions
from tests.pipelines.command_line import cjaas, hidden
from tests.workspaces import SETTINGS


def test_what_is_kept_replaces_nothing_unasked(trial: Trial, tmp_path: Path) -> None:
    trial.report("--to", tmp_path / "kept")
    before = decisions(tmp_path / "kept")
    done = cjaas(*trial.words("--to", tmp_path / "kept"))
    assert done.code == 2
    assert "is not empty: choose another output, or add --overwrite" in done.err
    assert decisions(tmp_path / "kept") == before
    trial.remind(("wait: 1h", "wait: 20m"))
    trial.report("--to", tmp_path / "kept", "--overwrite")
    assert decisions(tmp_path / "kept") != before
    done = cjaas(*trial.words("--to", trial.output, "--overwrite"))
    assert done.code == 2
    assert "--overwrite would delete" in done.err
    assert hidden(tmp_path) == []


def no_tape(trial: Trial) -> None:
    shutil.rmtree(trial.output / "tape")


def empty_tape(trial: Trial) -> None:
    no_tape(trial)
    (trial.output / "tape").mkdir()


def damaged_tape(trial: Trial) -> None:
    next(trial.output.rglob("tape/*/*.parquet")).write_bytes(b"nothing")


def no_summary(trial: Trial) -> None:
    (trial.output / "summary.json").unlink()


def foreign_summary(trial: Trial) -> None:
    (trial.output / "summary.json").write_text('{"workspace": "shop"}')


def broken_summary(trial: Trial) -> None:
    (trial.output / "summary.json").write_bytes(b"\xff")


def under_way(trial: Trial) -> None:
    shutil.rmtree(trial.output)
    OutputDirectory(trial.output).start()


def up(trial: Trial) -> None:
    (trial.output / LIVE_NAME).write_text("{}")


def another_name(trial: Trial) -> None:
    (trial.workspace / "workspace.yaml").write_text(SETTINGS.replace("name: shop", "name: store"))


def another_secret(trial: Trial) -> None:
    (trial.workspace / "dev-secret.txt").write_text("a secret of another shop")


def a_mistake(trial: Trial) -> None:
    trial.remind(("purchase", "purchased"))


def nothing(trial: Trial) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "more", "code", "message"),
    [
        (no_tape, (), 2, "expected the output of a `cjaas run`, found no tape in it; name the directory of"),
        (empty_tape, (), 1, "tape: expected events on the tape, found none"),
        (damaged_tape, (), 1, ".parquet: expected a file of the tape, found what Parquet cannot read"),
        (no_summary, (), 2, "expected the output of `cjaas run`, found no summary.json in it"),
        (foreign_summary, (), 1, "summary.json: expected the summary of a `cjaas run`, found another: "),
        (broken_summary, (), 1, "summary.json: expected the summary of a `cjaas run`, found another: "),
        (under_way, (), 2, "output of a `cjaas run` that has ended, found one that is under way"),
        (up, (), 2, "expected the output of a `cjaas run` that has ended, found a job that is up; name a"),
        (another_name, (), 2, "expected the output of workspace store, found that of shop; name another"),
        (another_secret, (), 1, "expected the secret and the namespaces of the run, found others: every"),
        (a_mistake, (), 1, "remind.yaml:6: exit[0]: expected a known event type, found 'purchased'; did you"),
        (nothing, ("--journey", "remnid"), 2, "a known journey, found 'remnid'; did you mean remind?"),
        (nothing, ("--journey", "x"), 2, "expected a known journey, found 'x'; there is remind"),
        (nothing, ("--since", "soon"), 2, "expected an RFC 3339 timestamp"),
        (nothing, ("--since", "2026-01-05", "--until", "2026-01-05"), 2, "a time before --until, 2026"),
        (nothing, ("--workers", "0"), 2, "--workers: expected a number from 1 to 64, found 0"),
    ],
)  # fmt: skip
def test_what_it_cannot_use_is_told_in_a_line(
    trial: Trial,
    tmp_path: Path,
    spoil: Callable[[Trial], None],
    more: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    copy = tmp_path / "runs" / "output"
    shutil.copytree(trial.output, copy)
    trial.output = copy
    spoil(trial)
    done = cjaas(*trial.words("--to", tmp_path / "kept", *more))
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "kept").exists()
    assert hidden(tmp_path) == []


def test_a_workspace_has_to_be_named(day: Path) -> None:
    done = cjaas("backtest", "--output", day)
    assert (done.code, done.out) == (2, "")
    assert "expected --workspace DIR" in done.err


def test_an_output_that_is_none_is_told(trial: Trial, tmp_path: Path) -> None:
    done = cjaas("backtest", "--workspace", trial.workspace, "--output", tmp_path / "missing")
    assert done.code == 2
    assert "found no summary.json in it; run `cjaas run`" in done.err
