"""Whatever it is given, a run ends in one line with the right exit code, and leaves no half output."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.command_line import SHOP, Done, cjaas, hidden, process, run_shop, well
from tests.pipelines.conftest import Firehose, Run

EVENT = {
    "specversion": "1.0",
    "id": "e1",
    "source": "/web",
    "type": "search_performed",
    "time": "2026-01-01T00:00:00Z",
    "identity": "k1",
    "identitytype": "cookie",
    "data": {"query": "lamp", "results": 1},
}
LINE = json.dumps(EVENT).encode()
RUN = ("run", "--input", "events.ndjson", "--output", "output")


def run(output: Path, *words: object, workspace: Path = SHOP) -> Done:
    return cjaas("run", "--workspace", workspace, "--output", output, *words)


def refused(done: Done, code: int, *messages: str) -> None:
    """One line on standard error, nothing else."""
    assert done.code == code
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert done.err.startswith("cjaas")
    for message in messages:
        assert message in done.err


def letters(output: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted((output / "dead_letters").glob("*"))
        for line in path.read_text().splitlines()
    ]


def truncated(path: Path) -> None:
    path.write_bytes(
        gzip.compress(b"".join(os.urandom(20).hex().encode() + b"\n" for _ in range(500)))[:-300]
    )


def damaged(path: Path) -> None:
    packed = bytearray(gzip.compress(b"\n".join([LINE] * 500)))
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)


def trailing(path: Path) -> None:
    path.write_bytes(gzip.compress(LINE) + b"something else")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: None, "events.gz: no such file; check the path given to --input"),
        (Path.mkdir, "expected a file, found a directory; name its files: "),
        (truncated, "expected a whole gzip file, found one that ends too soon; copy it again"),
        (damaged, "expected a gzip file, found damaged data"),
        (trailing, "expected a gzip file, found damaged data"),
        (os.mkfifo, "expected a file, found a pipe or device"),
        (lambda path: path.symlink_to("nowhere"), "expected a file, found a link to nothing"),
    ],
)
@pytest.mark.parametrize("good", [False, True])
def test_a_file_that_cannot_be_read_ends_the_run(
    tmp_path: Path, write: Callable[[Path], None], message: str, good: bool
) -> None:
    path = tmp_path / "events.gz"
    write(path)
    (tmp_path / "good.ndjson").write_bytes(LINE)
    inputs = [tmp_path / "good.ndjson", path] if good else [path]
    refused(run(tmp_path / "output", "--input", *inputs), 1, str(path), message)
    assert not (tmp_path / "output").exists()
    assert hidden(tmp_path) == []


def test_workers_tell_it_in_a_line_as_well(tmp_path: Path) -> None:
    path = tmp_path / "events.gz"
    truncated(path)
    words = ("run", "--workspace", SHOP, "--input", path, "--output", tmp_path / "output", "--workers", 2)
    refused(process(*words), 1, f"cjaas: {path}: expected a whole gzip file, found one that ends too soon")
    assert [entry.name for entry in tmp_path.iterdir()] == ["events.gz"]


EMPTY = {
    "nothing": b"",
    "blank lines": b"\r\n \n\t\n",
    "a byte order mark": b"\xef\xbb\xbf",
    "blank lines, packed": gzip.compress(b"\n\n"),
}


@pytest.mark.parametrize("content", EMPTY.values(), ids=EMPTY)
def test_a_file_without_events_gives_an_output_without_events(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(content)
    summary = run_shop(tmp_path / "output", path)
    assert (summary["events"], summary["valid"], summary["profiles"], summary["as_of"]) == (0, 0, 0, None)
    output = ("--output", tmp_path / "output")
    for view in ("tape", "tape_raw", "decisions", "dead_letters", "profiles"):
        assert well("sql", f"SELECT count(*) AS n FROM {view}", *output, "--json").json() == {"n": 0}
    assert well("profiles", "--workspace", SHOP, *output).out == ""
    assert "nobody has the id" in cjaas("profile", "0" * 32, "--workspace", SHOP, *output).err


def test_the_closing_table_of_a_run_without_events(tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").touch()
    done = run(tmp_path / "output", "--input", tmp_path / "events.ndjson")
    assert (done.code, done.err) == (0, "")
    assert "events per second" in done.out


BROKEN = {
    b'{"specversion":"1.0","id":"\xff"}': "invalid_utf8",
    b"{": "invalid_json",
    b"NaN": "invalid_json",
    b"null": "not_an_object",
    b'"text"': "not_an_object",
    b"[1, 2]": "not_an_object",
    b"17": "not_an_object",
    b"{}": "missing_attribute",
    b"\x00": "invalid_json",
    b"[" * 100_000: "nesting_too_deep",
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000: "nesting_too_deep",
    "\ufeff{}".encode("utf-16"): "invalid_utf8",
}


@pytest.mark.parametrize("workers", [1, 2])
def test_broken_events_are_dead_letters_and_nothing_else(tmp_path: Path, workers: int) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(BROKEN))
    summary = run_shop(tmp_path / "output", path, more=("--workers", workers))
    assert (summary["events"], summary["valid"], summary["as_of"]) == (len(BROKEN), 0, None)
    found = letters(tmp_path / "output")
    assert [letter["error"] for letter in found] == list(BROKEN.values())
    for letter, line in zip(found, BROKEN, strict=True):
        text = letter.get("payload")
        assert line == (base64.b64decode(letter["payload_base64"]) if text is None else text.encode())
        assert letter["detail"]
        assert letter["workspace"] == "shop"
    assert "dead letters" in run(tmp_path / "output", "--input", path, "--overwrite").out


def test_a_line_over_the_limit_keeps_its_head_and_its_hash(tmp_path: Path) -> None:
    event = EVENT | {"data": {"query": "x" * (2 << 20), "results": 1}}
    line = json.dumps(event).encode()
    path = tmp_path / "events.ndjson"
    path.write_bytes(line + b"\n" + LINE)
    assert run_shop(tmp_path / "output", path)["valid"] == 1
    [letter] = letters(tmp_path / "output")
    assert letter["error"] == "payload_too_large"
    assert letter["payload"].encode() == line[: 1 << 20]
    assert letter["payload_sha256"] == hashlib.sha256(line).hexdigest()
    query = "SELECT error, payload_sha256 FROM dead_letters"
    assert len(well("sql", query, "--output", tmp_path / "output", "--json").lines()) == 1


MISTAKES = {
    "workspace.yaml": ("region: DE", "region: Germany"),
    "profiles.yaml": ("lookback: 365d", "lookback: 1y"),
    "journeys/welcome.yaml": ("channel: email", "channel: emial"),
    "journeys/big_spender.yaml": ("attribute: spend_30d, op", "attribute: spent_30d, op"),
    "schemas/login.v1.avsc": ('"eventType": "login"', '"eventType": "Log in"'),
}


@pytest.mark.parametrize("command", ["check", "run", "profiles", "schemas", "generate"])
def test_every_mistake_of_a_workspace_is_told_at_once(shop: Run, tmp_path: Path, command: str) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(SHOP, workspace)
    for name, (right, wrong) in MISTAKES.items():
        text = (workspace / name).read_text()
        assert right in text, name
        (workspace / name).write_text(text.replace(right, wrong, 1))
    words: dict[str, tuple[object, ...]] = {
        "run": ("--input", workspace / "events.ndjson.gz", "--output", tmp_path / "output"),
        "profiles": ("--output", shop.output),
        "schemas": ("list",),
        "generate": ("--events", 10, "--output", tmp_path / "events.ndjson"),
    }
    done = cjaas(command, "--workspace", workspace, *words.get(command, ()))
    assert done.code == 1
    told = done.out if command == "check" else done.err
    assert (done.err if command == "check" else done.out) == ""
    for name in MISTAKES:
        assert told.count(f"{workspace / name}:") == 1, told
    assert [entry.name for entry in tmp_path.iterdir()] == ["workspace"]


def test_a_workspace_has_to_be_named_and_to_be_there(tmp_path: Path) -> None:
    words = ("--input", tmp_path / "none", "--output", tmp_path / "output")
    refused(
        cjaas("run", *words), 2, "expected --workspace DIR, the directory with workspace.yaml, found none"
    )
    done = run(tmp_path / "output", "--input", tmp_path / "none", workspace=tmp_path / "nowhere")
    refused(done, 1, f"{tmp_path / 'nowhere'}:1: expected a workspace's directory, found nothing")


def test_an_output_that_exists_is_replaced_only_when_told_to(firehose: Firehose, tmp_path: Path) -> None:
    output = tmp_path / "output"
    (tmp_path / "one.ndjson").write_bytes(LINE)
    run_shop(output, tmp_path / "one.ndjson")
    done = run(output, "--input", firehose.path)
    refused(done, 2, f"{output}: is not empty: choose another output, or add --overwrite to replace it")
    assert json.loads((output / "summary.json").read_bytes())["events"] == 1
    (tmp_path / "none.ndjson").write_bytes(b"")
    assert run_shop(output, tmp_path / "none.ndjson", more=("--overwrite",))["events"] == 0
    assert not (output / "tape").exists()
    assert hidden(tmp_path) == []


def test_overwrite_replaces_only_outputs(tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_bytes(LINE)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    done = run(precious, "--input", tmp_path / "one.ndjson", "--overwrite")
    refused(done, 2, f"{precious}: is not an output of cjaas (it holds no summary.json) and is not replaced")
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_an_input_in_what_would_be_replaced_is_kept(tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_bytes(LINE)
    output = tmp_path / "output"
    run_shop(output, tmp_path / "one.ndjson")
    inside = output / "events.ndjson"
    inside.write_bytes(LINE)
    refused(run(output, "--input", inside, "--overwrite"), 2, f"--overwrite would delete {inside}")
    assert inside.read_bytes() == LINE


def test_places_that_cannot_be_an_output_are_told(tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_bytes(LINE)
    words = ("--input", tmp_path / "one.ndjson")
    refused(run(tmp_path / "one.ndjson", *words), 2, "expected a directory for the output, found a file")
    done = run(tmp_path / "one.ndjson" / "output", *words)
    refused(done, 1, "cannot be made: Not a directory: choose an output that may be written")
    refused(run(Path("/proc/cjaas"), *words), 1, "/proc/cjaas: cannot be made: ")
    assert [entry.name for entry in tmp_path.iterdir()] == ["one.ndjson"]


@contextmanager
def small_file_system(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory at a folder."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        if "CI" in os.environ:
            pytest.fail(f"mounting a small file system: {mounted.stderr.decode()}")
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_directory_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "one.ndjson").write_bytes(LINE)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with small_file_system(closed, "ro") if os.getuid() == 0 else nullcontext():
        done = run(closed / "output", "--input", tmp_path / "one.ndjson")
    refused(done, 1, f"{closed / 'output'}: cannot be made: ", ": choose an output that may be written")


@pytest.mark.parametrize(
    ("limit_bytes", "workers"), [(0, 1), (100, 1), (30_000, 1), (400_000, 1), (30_000, 2)]
)
def test_a_disk_that_fills_up_ends_the_run(
    firehose: Firehose, tmp_path: Path, limit_bytes: int, workers: int
) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    output = tmp_path / "output"
    options = ("--workspace", SHOP, "--output", output, "--workers", workers)
    done = process("run", "--input", firehose.path, *options, preexec_fn=limit)
    refused(done, 1)
    assert ("File too large" in done.err) or ("disk" in done.err) or ("temporary directory" in done.err)
    assert list(tmp_path.iterdir()) == []


def test_a_full_file_system_ends_the_run(firehose: Firehose, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    with small_file_system(small, "size=200k"):
        done = run(small / "output", "--input", firehose.path)
        refused(done, 1, "No space left on device; free space or rights there")
        assert list(small.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "cjaas: the following arguments are required: COMMAND; see `cjaas --help`"),
        (("fly",), "argument COMMAND: invalid choice: 'fly' (choose from 'run', 'up', "),
        (("run",), "run: the following arguments are required: --input, --output; see `cjaas run --help`"),
        ((*RUN, "--as-of", "now"), "argument --as-of: expected an RFC 3339 timestamp"),
        ((*RUN, "--workers", "two"), "argument --workers: invalid int value: 'two'"),
        ((*RUN, "--workers", "0"), "--workers: expected a number from 1 to 64, found 0"),
        ((*RUN, "--fast"), "unrecognized arguments: --fast"),
        (("profile",), "cjaas profile: the following arguments are required: IDENTITY"),
    ],
)
def test_wrong_usage_is_told_in_a_line(words: tuple[str, ...], message: str) -> None:
    refused(cjaas(*words), 2, message)
