"""What stands around the commands: help, version, check, pipes, and what a run says to look at next."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from pipelines.cli.main import COMMANDS
from tests.pipelines.command_line import ROOT, SHOP, cjaas, command, well
from tests.pipelines.conftest import Firehose, Run

ENVIRONMENT = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
}


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """Runs a line as a person would, every part of a pipe counting."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_names_every_command() -> None:
    text = well("--help").out
    for name in COMMANDS:
        assert re.search(rf"^    {name} +\w", text, re.MULTILINE), name
    assert "Exit codes: 0, 1 for a failure, 2 for wrong usage." in " ".join(text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_its_options(name: str) -> None:
    text = well(name, "--help").out
    assert text.startswith(f"usage: cjaas {name} ")
    assert "--workspace DIR" in text
    for line in text.splitlines():
        option = re.fullmatch(r"  (--[a-z-]+)( [A-Z]+)?", line)
        assert option is None or "\n" in text.split(line)[1][:1], f"{option} has no help"


def test_the_version() -> None:
    assert re.fullmatch(r"cjaas \d+\.\d+\.\d+\n", well("--version").out)


def test_check_tells_that_a_workspace_is_in_order() -> None:
    done = well("check", "--workspace", SHOP)
    assert re.fullmatch(
        rf"{SHOP}: workspace shop is in order: 16 event types, \d+ attributes, 18 journeys\n", done.out
    )
    assert well("check", "--workspace", SHOP, "--json").json() == {"problems": []}


def test_check_gives_mistakes_with_file_and_line_for_machines(tmp_path: Path) -> None:
    done = cjaas("check", "--workspace", tmp_path, "--json")
    assert (done.code, done.err) == (1, "")
    problems = done.json()["problems"]
    assert {Path(problem["path"]).name for problem in problems} == {
        "schemas",
        "workspace.yaml",
        "profiles.yaml",
    }
    assert all(problem["line"] == 1 and problem["message"] for problem in problems)


def test_check_counts_the_mistakes_it_lists(tmp_path: Path) -> None:
    done = cjaas("check", "--workspace", tmp_path)
    assert done.code == 1
    *problems, count = done.out.splitlines()
    assert count == f"{len(problems)} problems"
    assert all(re.match(rf"{tmp_path}/\S+:1: expected ", problem) for problem in problems)


@pytest.mark.parametrize(
    "line",
    [
        "cjaas profiles --workspace {shop} --output {output} | head -1",
        "cjaas sql 'SELECT * FROM tape' --output {output} --json | head -1",
        "cjaas sql 'SELECT * FROM tape' --output {output} | head -1",
    ],
)
def test_a_reader_that_has_seen_enough_is_no_error(shop: Run, line: str) -> None:
    done = shell(line.format(shop=SHOP, output=shop.output))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1


def test_a_run_names_commands_that_work_as_they_are_printed(firehose: Firehose, tmp_path: Path) -> None:
    output = tmp_path / "out put"
    words = ("run", "--workspace", SHOP, "--input", firehose.path, "--output", output)
    done = well(*words)
    _, _, following = done.out.partition("Look next:\n")
    lines = [line.strip() for line in following.splitlines()]
    assert len(lines) == 5
    for line in lines:
        shown = shell(line)
        assert (shown.returncode, shown.stderr) == (0, ""), line
        assert shown.stdout.count("\n") > 0, line


def test_a_run_without_actions_names_commands_that_work(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    path.write_text(
        '{"specversion":"1.0","id":"e1","source":"/web","type":"search_performed",'
        '"time":"2026-01-01T00:00:00Z","identity":"k1","identitytype":"cookie",'
        '"data":{"query":"lamp","results":1}}\n'
    )
    done = well("run", "--workspace", SHOP, "--input", path, "--output", tmp_path / "output")
    _, _, following = done.out.partition("Look next:\n")
    assert [line.split()[1] for line in following.splitlines()] == ["sql", "profiles"]
    for line in following.splitlines():
        shown = shell(line)
        assert (shown.returncode, shown.stderr) == (0, ""), line


def test_the_closing_table_shows_the_summary(shop: Run, firehose: Firehose, tmp_path: Path) -> None:
    words = ("run", "--workspace", SHOP, "--input", firehose.path, "--output", tmp_path / "output")
    table = well(*words).out.partition("Written to")[0]
    shown = dict(re.findall(r"│ +(\S.*?) +│ +(\S+) +│", table))
    for name in ("events", "valid", "duplicates", "late", "folded", "profiles"):
        assert shown[name] == f"{shop.summary[name]:,}"
    for name in ("dead_letters", "decisions", "actions"):
        assert shown[name.replace("_", " ")] == f"{sum(shop.summary[name].values()):,}"
        for part, number in shop.summary[name].items():
            assert shown[part] == f"{number:,}"
    assert shown["as of"] == shop.summary["as_of"]


def test_without_a_terminal_no_progress_is_shown(firehose: Firehose, tmp_path: Path) -> None:
    words = command("run", "--workspace", SHOP, "--input", firehose.path, "--output", tmp_path / "output")
    done = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout


def test_a_terminal_shows_progress_and_then_the_table(firehose: Firehose, tmp_path: Path) -> None:
    own, its = pty.openpty()
    words = command("run", "--workspace", SHOP, "--input", firehose.path, "--output", tmp_path / "output")
    environment = {**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(words, cwd=ROOT, env=environment, stdin=its, stdout=its, stderr=its) as running:
        os.close(its)
        shown = b""
        # Reading fails when the other side is closed.
        with suppress(OSError):
            while part := os.read(own, 65536):
                shown += part
    os.close(own)
    assert running.returncode == 0
    progress, table = shown.index(b"reading"), shown.index(b"workspace shop")
    assert progress < table
    hidden, given_back = shown.index(b"\x1b[?25l"), shown.rindex(b"\x1b[?25h")
    assert hidden < given_back < table
