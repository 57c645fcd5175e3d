"""The life of an output directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.errors import CjaasError, UsageError
from sinks.output import OutputDirectory


def filled(path: Path, *names: str) -> Path:
    path.mkdir(parents=True)
    for name in names:
        (path / name).write_text(name)
    return path


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def write(output: OutputDirectory, name: str = "summary.json") -> None:
    (output.start() / name).write_text("new")


def test_nothing_stands_there_before_it_is_published(tmp_path: Path) -> None:
    output = OutputDirectory(tmp_path / "deep" / "out")
    write(output)
    assert not output.path.exists()
    assert output.partial.parent == tmp_path / "deep"
    assert output.partial.name.startswith(".out.partial-")
    assert output.publish() == tmp_path / "deep" / "out"
    assert names(tmp_path / "deep") == ["out"]
    assert names(output.path) == ["summary.json"]
    output.discard()
    assert names(output.path) == ["summary.json"]


def test_what_crashed_writers_left_is_not_published(tmp_path: Path) -> None:
    output = OutputDirectory(tmp_path / "out")
    write(output)
    (output.partial / ".x.parquet.1-2.unfinished").touch()
    assert names(output.publish()) == ["summary.json"]


def test_a_discarded_output_leaves_nothing(tmp_path: Path) -> None:
    output = OutputDirectory(tmp_path / "out")
    write(output)
    output.discard()
    output.discard()
    assert names(tmp_path) == []


def test_a_crash_leaves_the_partial_alone_and_the_next_run_takes_another(tmp_path: Path) -> None:
    crashed = OutputDirectory(tmp_path / "out")
    write(crashed)
    after = OutputDirectory(tmp_path / "out")
    write(after)
    assert crashed.partial != after.partial
    after.publish()
    assert names(tmp_path) == [crashed.partial.name, "out"]


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    output = OutputDirectory(filled(tmp_path / "out"))
    write(output)
    assert names(output.publish()) == ["summary.json"]


def test_an_output_is_replaced_only_when_asked_for(tmp_path: Path) -> None:
    path = filled(tmp_path / "out", "summary.json", "old")
    with pytest.raises(UsageError, match=r"out: is not empty: .* add --overwrite to replace it$"):
        OutputDirectory(path).start()
    output = OutputDirectory(path, overwrite=True)
    write(output)
    assert names(path) == ["old", "summary.json"]
    output.publish()
    assert names(path) == ["summary.json"]
    assert (path / "summary.json").read_text() == "new"
    assert names(tmp_path) == ["out"]


def test_what_is_no_output_is_never_replaced(tmp_path: Path) -> None:
    path = filled(tmp_path / "out", "thesis.tex")
    with pytest.raises(UsageError, match=r"is not an output of cjaas \(it holds no summary\.json\)"):
        OutputDirectory(path, overwrite=True).start()
    assert names(tmp_path) == ["out"]


def test_what_the_run_reads_is_never_replaced(tmp_path: Path) -> None:
    path = filled(tmp_path / "out", "summary.json", "events.ndjson")
    for read in (path / "events.ndjson", path):
        with pytest.raises(UsageError, match=r"--overwrite would delete .*, which the run reads"):
            OutputDirectory(path, overwrite=True, reads=[read]).start()
    OutputDirectory(path, overwrite=True, reads=[tmp_path, tmp_path / "other"]).start()


def test_a_file_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(UsageError, match="expected a directory for the output, found a file"):
        OutputDirectory(tmp_path / "out", overwrite=True).start()
    with pytest.raises(
        CjaasError, match=r"out/deep: cannot be made: .*: choose an output that may be written"
    ):
        OutputDirectory(tmp_path / "out" / "deep").start()


def test_the_current_directory_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = filled(tmp_path / "work" / "here")
    monkeypatch.chdir(here)
    for path in (Path(), here, tmp_path / "work"):
        with pytest.raises(UsageError, match="holds the current directory"):
            OutputDirectory(path, overwrite=True).start()
    with pytest.raises(UsageError, match="mount point"):
        OutputDirectory(Path("/"), overwrite=True).start()
    write(output := OutputDirectory(Path("out")))
    assert output.publish() == here / "out"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: run the tests as another user")
def test_a_parent_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CjaasError, match="cannot be made: Permission denied"):
        OutputDirectory(tmp_path / "out").start()
    tmp_path.chmod(0o700)


def test_who_comes_second_keeps_its_result_aside(tmp_path: Path) -> None:
    first, second = OutputDirectory(tmp_path / "out"), OutputDirectory(tmp_path / "out")
    write(first)
    write(second)
    first.publish()
    with pytest.raises(CjaasError, match="the finished output is kept in") as failure:
        second.publish()
    assert str(second.partial) in str(failure.value)
    assert names(second.partial) == ["summary.json"]


def test_the_old_output_stands_again_when_it_cannot_be_replaced(tmp_path: Path) -> None:
    path = filled(tmp_path / "out", "summary.json", "old")
    output = OutputDirectory(path, overwrite=True)
    write(output)
    (output.partial / "summary.json").unlink()
    output.partial.rmdir()
    with pytest.raises(CjaasError, match="cannot be replaced"):
        output.publish()
    assert names(path) == ["old", "summary.json"]


def test_a_link_to_a_directory_keeps_its_place(tmp_path: Path) -> None:
    target = filled(tmp_path / "disk" / "out", "summary.json")
    (tmp_path / "link").symlink_to(target)
    output = OutputDirectory(tmp_path / "link", overwrite=True)
    write(output)
    output.publish()
    assert (tmp_path / "link").is_symlink()
    assert (target / "summary.json").read_text() == "new"


def test_it_has_no_partial_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not started"):
        OutputDirectory(tmp_path / "out").publish()
