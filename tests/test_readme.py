"""Every command in README.md runs, what it shows is what is seen, and its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli.main import COMMANDS, main
from tests.pages import blocks, make_checkout, shell
from tests.pipelines.command_line import ROOT

README = (ROOT / "README.md").read_text()
TIMED = ("│ seconds", "│ events per second")


def recipe(target: str) -> list[str]:
    """The lines of a Makefile target, with its variables filled in."""
    done = subprocess.run(
        ["make", "--always-make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def make_run(checkout: Path) -> str:
    """What `make run` prints, without setting up."""
    [command] = [line for line in recipe("run") if "cjaas run" in line]
    return shell(command, checkout)


@pytest.fixture(scope="module")
def shown(make_run: str, checkout: Path) -> str:
    """What the commands of the page print, `make run` first."""
    return make_run + shell("".join(blocks("sh", README)), checkout)


def test_what_the_page_shows_is_what_is_seen(shown: str) -> None:
    seen = {line.rstrip() for line in shown.splitlines()}
    examples = blocks("text", README)
    assert len(examples) == 2
    for line in "".join(examples).splitlines():
        assert line.startswith(TIMED) or line in seen, line


def test_the_page_about_backtests_shows_what_is_seen(make_run: str, checkout: Path) -> None:
    page = (ROOT / "docs" / "backtest.md").read_text()
    [lines] = blocks("sh", page)
    [example] = blocks("text", page)
    assert make_run
    seen = shell(f'export PATH="$PWD/.venv/bin:$PATH"\n{lines}', checkout)
    assert [line.rstrip() for line in seen.splitlines()] == example.splitlines()


def test_the_output_has_what_the_page_lists(make_run: str, checkout: Path) -> None:
    listing = next(block for block in blocks("", README) if block.startswith("out/shop/"))
    patterns = [line.split()[0] for line in listing.splitlines()[1:]]
    output = checkout / "out" / "shop"
    for pattern in patterns:
        found = list(output.glob(pattern.replace("YYYY-MM-DD", "*").replace("CHANNEL", "*")))
        assert found, pattern
    tops = {pattern.split("/")[0] for pattern in patterns}
    assert {path.name for path in output.iterdir()} == tops


def test_every_workspace_that_make_checks_is_in_order(checkout: Path) -> None:
    commands = [line for line in recipe("lint") if "cjaas check" in line]
    assert len(commands) == 2
    for command in commands:
        assert "is in order" in shell(command, checkout)


def streaming() -> list[list[str]]:
    """The words of each command that needs a running job: blocks of `bash` are those, of `sh` all others."""
    lines = "".join(blocks("bash", README)).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


def test_streaming_is_set_up_by_make() -> None:
    assert ["make", "emulators"] in streaming()
    assert any("prism" in line for line in recipe("emulators"))


def test_streaming_commands_are_in_order_and_ask_for_a_job(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """None is up here, and each says so: it has been understood, and its workspace and channel are known."""
    monkeypatch.chdir(checkout)
    asked = []
    for program, *words in streaming():
        if program == "make" or words[0] in ("up", "generate"):
            continue
        assert program == "cjaas"
        assert main(words) != 0
        error = capfd.readouterr().err
        assert "no job is up there" in error or "`cjaas up`" in error, error
        asked.append(words[0])
    assert set(asked) == {"publish", "profile", "sql", "explain", "tail", "down"}


def test_starting_a_stream_is_understood(capfd: pytest.CaptureFixture[str]) -> None:
    [words] = [words[1:] for words in streaming() if words[1] == "up"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    help_ = capfd.readouterr().out
    assert {word for word in words if word.startswith("--")} <= set(help_.split())


def test_recent_events_can_be_made(checkout: Path) -> None:
    [command] = [block for block in blocks("bash", README) if "generate" in block]
    generate = re.split(r"(?<!\\)\n", command)[0].replace("cjaas", ".venv/bin/cjaas", 1)
    assert "cjaas generate" in generate
    if sys.platform == "darwin":
        generate = generate.replace("date -u -d '1 hour ago'", "date -u -v-1H")
    shell(generate, checkout)
    assert len((checkout / "out" / "recent.ndjson").read_bytes().splitlines()) == 2_000


def test_make_runs_the_tests() -> None:
    assert any(line.partition(" ")[0].endswith("pytest") for line in recipe("test"))


def test_every_command_is_in_the_table() -> None:
    assert re.findall(r"^\| `cjaas (\w+)` \|", README, re.MULTILINE) == list(COMMANDS)


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(links) > 10
    for link in links:
        assert (ROOT / link).exists(), link
