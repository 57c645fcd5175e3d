from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from schemas.workspace.document import Document, key_path, read_document


def read(path: Path, content: str | bytes) -> tuple[Document | None, list[tuple[int, str]]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    document, problems = read_document(path)
    assert all(problem.path == path for problem in problems)
    return document, [(problem.line, problem.message) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("17", 17),
        ("-3", -3),
        ("0x1f", 31),
        ("0o17", 15),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("'17'", "17"),
        ("!!str 17", "17"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_are_those_of_the_core_schema(tmp_path: Path, text: str, value: object) -> None:
    document, problems = read(tmp_path / "a.yaml", f"key: {text}\n")
    assert problems == []
    assert document is not None
    found = document.value["key"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: [", 2, "not YAML: while parsing a flow node"),
        ("a: b: c", 1, "put text with a colon in quotes"),
        ("a:\n\t- b", 2, "indent with spaces, not tabs"),
        ("a: 1\nb: @c", 2, "put text that begins with a special character in quotes"),
        ("a: *b", 1, "found undefined alias 'b'"),
        ("a: 1\n---\nb: 2", 2, "keep one document in a file"),
        ("a: 1\nb: \x07", 2, "expected printable text, found the character U+0007"),
        ("[" * 3000, 1, "expected at most 60 levels"),
        (b"a: 1\nb: \xff", 2, "expected UTF-8 text, found the byte 0xff"),
        ("a: 1\nb:\n  c: 1\n  c: 2", 4, "b.c: the key stands twice, first in line 3; remove one of them"),
        ("a:\n  - !foo b", 2, "a[0]: expected a plain value, found the tag !foo; remove it"),
        ("a: !!timestamp 2026-01-01", 1, "found the tag !!timestamp"),
        ("a: !!int b", 1, "expected a whole number of at most 64 bits"),
        ("a: 9223372036854775808", 1, "expected a whole number of at most 64 bits"),
        ("a: " + "9" * 5000, 1, "expected a whole number of at most 64 bits"),
        ("a: 1e400", 1, "expected a finite number, found 1e400"),
        ("a: .nan", 1, "expected a finite number, found .nan"),
        ('a: "\\ud800"', 1, "a: expected Unicode text, found half a surrogate pair"),
        ("? [a, b]\n: c", 1, "expected a key of plain text"),
        ("a: &a [*a]", 1, "expected at most 60 levels, aliases counted"),
    ],
)
def test_what_is_wrong_with_the_yaml_is_told(
    tmp_path: Path, text: str | bytes, line: int, message: str
) -> None:
    _, ((found_line, found),) = read(tmp_path / "a.yaml", text)
    assert message in found
    assert found_line == line


def test_aliases_do_not_multiply_without_end(tmp_path: Path) -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{row}: &a{row} [{', '.join([f'*a{row - 1}'] * 10)}]" for row in range(1, 9)]
    document, ((_, message),) = read(tmp_path / "a.yaml", "\n".join(rows))
    assert document is None
    assert "expected at most 200000 values, aliases counted" in message


def test_aliases_stand_for_their_values(tmp_path: Path) -> None:
    document, problems = read(tmp_path / "a.yaml", "a: &x {b: 1}\nc: *x\n")
    assert problems == []
    assert document is not None
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    document, problems = read(tmp_path / "a.yaml", b"\xef\xbb\xbfa: 1\n")
    assert problems == []
    assert document is not None
    assert document.value == {"a": 1}


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    document, (problem,) = read_document(tmp_path)
    assert document is None
    assert problem.message.startswith("cannot be read: ")


@pytest.mark.parametrize(
    ("location", "line"),
    [
        ((), 2),
        (("a",), 2),
        (("b",), 3),
        (("b", "c"), 4),
        (("b", "c", 1), 6),
        (("b", "c", 1, "e"), 7),
        (("b", "c", 9), 4),
        (("b", "none"), 3),
        (("a", "deeper", 0), 2),
    ],
)
def test_lines(tmp_path: Path, location: tuple[str | int, ...], line: int) -> None:
    document, _ = read(tmp_path / "a.yaml", "# a comment\na: 1\nb:\n  c:\n    - x\n    - d: 1\n      e: 2\n")
    assert document is not None
    assert document.line(location) == line


def test_key_paths() -> None:
    assert key_path(("templates", 0, "attributes", 2, "lookback")) == "templates[0].attributes[2].lookback"


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x85\ufeff"), max_size=8)
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    text = yaml.dump(value, Dumper=_Quoting, allow_unicode=False)
    document, problems = read(tmp_path_factory.getbasetemp() / "written.yaml", text)
    assert problems == []
    assert document is not None
    assert document.value == value


class _Quoting(yaml.SafeDumper):
    """Quotes all text, so that only the reader decides what plain scalars are."""


def _quoted(dumper: _Quoting, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


_Quoting.add_representer(str, _quoted)
