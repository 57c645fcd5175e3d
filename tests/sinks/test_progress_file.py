"""How far a job has come, told through a file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import CjaasError
from sinks.progress_file import ProgressFile, Read

COUNTS = st.tuples(st.integers(0, 2**40), st.integers(0, 2**30), st.integers(0, 2**30))


@given(st.lists(COUNTS, max_size=20))
def test_it_adds_up(tmp_path_factory: pytest.TempPathFactory, advances: list[tuple[int, int, int]]) -> None:
    progress = ProgressFile(tmp_path_factory.mktemp("progress") / "progress")
    for advance in advances:
        progress.advance(*advance)
    expected = [sum(column) for column in zip(*advances, strict=True)] or [0, 0, 0]
    assert progress.read() == Read(*expected)


def test_nothing_is_read_before_anything_is_told(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path / "progress")
    assert progress.read() == Read(0, 0, 0)
    assert not progress.path.exists()


def test_half_a_record_does_not_count(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path / "progress")
    progress.advance(1, 2, 3)
    record = progress.path.read_bytes()
    progress.path.write_bytes(record + record[:7])
    assert progress.read() == Read(1, 2, 3)


def test_processes_tell_it_side_by_side(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from sinks.progress_file import ProgressFile;"
        "progress = ProgressFile(Path(sys.argv[1]));"
        "[progress.advance(3, 2, 1) for _ in range(1000)]"
    )
    path = tmp_path / "progress"
    root = Path(__file__).parents[2]
    processes = [subprocess.Popen([sys.executable, "-c", script, path], cwd=root) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert ProgressFile(path).read() == Read(9000, 6000, 3000)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    progress = ProgressFile(tmp_path / "nowhere" / "progress")
    told = r"progress: cannot be written: No such file or directory; free space or rights there"
    with pytest.raises(CjaasError, match=told):
        progress.advance(1, 1, 1)
