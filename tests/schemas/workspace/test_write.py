"""What is written as YAML is read back as it was."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.workspace.document import read_document
from schemas.workspace.write import to_yaml

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"))
_SCALAR = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_VALUE = st.recursive(
    _SCALAR | _TEXT | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=12,
)


def read_back(value: dict[str, Any]) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder, "written.yaml")
        path.write_bytes(to_yaml(value).encode())
        document, problems = read_document(path)
    assert problems == []
    assert document is not None
    return document.value


@given(st.dictionaries(_TEXT, _VALUE, max_size=4))
def test_any_value_is_read_back(value: dict[str, Any]) -> None:
    assert read_back(value) == value


@pytest.mark.parametrize(
    "text",
    [
        "007",
        "1e5",
        "0o17",
        "0x1f",
        "yes",
        "NO",
        "on",
        "~",
        "null",
        "2026-01-31",
        "12:30",
        ".5",
        "",
        "=",
        "a: b",
    ],
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert read_back({"value": text}) == {"value": text}


def test_what_stands_twice_is_written_twice() -> None:
    shared = {"field": "a", "op": "exists"}
    assert to_yaml({"all": [shared, shared]}) == (
        "all:\n  - {field: a, op: exists}\n  - {field: a, op: exists}\n"
    )
