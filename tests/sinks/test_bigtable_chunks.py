"""Rows from chunks: however rows are cut, they come out the same; what breaks the protocol is told."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.bigtable_chunks import Row, RowAssembler
from sinks.bigtable_client import ReadRowsResponse
from sinks.bigtable_errors import BigtableError

ROWS = st.lists(
    st.dictionaries(
        st.tuples(st.sampled_from(["f", "g"]), st.binary(max_size=2)),
        st.lists(st.binary(max_size=6), min_size=1, max_size=3),
        min_size=1,
        max_size=3,
    ),
    max_size=5,
)


def chunk(
    key: bytes = b"",
    family: str | None = None,
    qualifier: bytes | None = None,
    value: bytes = b"",
    *,
    more: bool = False,
    commit: bool = False,
    reset: bool = False,
) -> Any:
    """A chunk; `more` says that the cell goes on."""
    made = ReadRowsResponse.CellChunk(row_key=key, value=value, value_size=1 if more else 0)
    if family is not None:
        made.family_name.value = family
    if qualifier is not None:
        made.qualifier.value = qualifier
    if commit:
        made.commit_row = True
    if reset:
        made.reset_row = True
    return made


def assemble(*responses: list[Any]) -> list[Row]:
    assembler = RowAssembler()
    rows = []
    for chunks in responses:
        rows += assembler.feed(ReadRowsResponse(chunks=chunks))
    assembler.end()
    return rows


@given(ROWS, st.data())
def test_however_rows_are_cut_they_are_put_together(
    rows: list[dict[tuple[str, bytes], list[bytes]]], data: st.DataObject
) -> None:
    chunks: list[Any] = []
    expected = []
    for number, cells in enumerate(rows):
        key = b"%02d" % number
        if data.draw(st.booleans()):
            # A row that the server begins, and begins again.
            chunks += [chunk(key, "f", b"lost", b"lost", more=data.draw(st.booleans())), chunk(reset=True)]
        kept: dict[bytes, bytes] = {}
        last_family = last_qualifier = None
        for (family, qualifier), versions in sorted(cells.items()):
            for value in versions:
                kept.setdefault(qualifier, value)
                named_family = family if family != last_family or data.draw(st.booleans()) else None
                named = named_family is not None or qualifier != last_qualifier or data.draw(st.booleans())
                cuts = sorted({0, len(value), *data.draw(st.sets(st.integers(0, len(value)), max_size=2))})
                parts = [value[start:end] for start, end in pairwise(cuts)] or [b""]
                for index, part in enumerate(parts):
                    first = index == 0
                    chunks.append(
                        chunk(
                            key if last_family is None or (first and data.draw(st.booleans())) else b"",
                            named_family if first else None,
                            qualifier if first and named else None,
                            part,
                            more=index < len(parts) - 1,
                        )
                    )
                    last_family, last_qualifier = family, qualifier
        chunks[-1].commit_row = True
        expected.append(Row(key, kept))
    size = data.draw(st.integers(1, 5))
    assert assemble(*(chunks[at : at + size] for at in range(0, len(chunks), size))) == expected


CELL = chunk(b"k", "f", b"q", b"v")


@pytest.mark.parametrize(
    ("chunks", "what"),
    [
        ([CELL], "an end within a row"),
        ([chunk(b"", "f", b"q", b"v", commit=True)], "a first chunk without row key"),
        ([chunk(b"k", None, b"q", b"v", commit=True)], "a first cell without family"),
        ([chunk(b"k", "f", None, b"v", commit=True)], "a family without qualifier"),
        ([CELL, chunk(b"l", "f", b"q", b"v", commit=True)], "a new row before the last one was committed"),
        ([chunk(b"k", "f", b"q", b"v", more=True, commit=True)], "a row committed in the middle of a cell"),
        (
            [chunk(b"k", "f", b"q", b"v", more=True), chunk(b"", "g", b"q", b"v", commit=True)],
            "another column",
        ),
        (
            [chunk(b"k", "f", b"q", b"v", more=True), chunk(b"", None, b"r", b"v", commit=True)],
            "another column",
        ),
        ([chunk(reset=True)], "a reset without a row"),
        ([CELL, chunk(b"k", reset=True)], "a reset with data"),
        ([CELL, chunk(b"", None, None, b"v", reset=True)], "a reset with data"),
        (
            [chunk(b"k", "f", b"q", b"v", commit=True), chunk(b"k", "f", b"q", b"v", commit=True)],
            "row keys that don't increase",
        ),
        (
            [chunk(b"k", "f", b"q", b"v", commit=True), chunk(b"a", "f", b"q", b"v", commit=True)],
            "row keys that don't increase",
        ),
    ],
)
def test_what_breaks_the_protocol_is_told(chunks: list[Any], what: str) -> None:
    with pytest.raises(BigtableError, match=what):
        assemble(chunks)


def test_the_last_key_is_that_of_the_last_whole_or_scanned_row() -> None:
    assembler = RowAssembler()
    assembler.feed(ReadRowsResponse(chunks=[chunk(b"k", "f", b"q", b"v", commit=True)]))
    assert assembler.last_key == b"k"
    assembler.feed(ReadRowsResponse(last_scanned_row_key=b"m"))
    assert assembler.last_key == b"m"
    assembler.feed(ReadRowsResponse(chunks=[chunk(b"n", "f", b"q", b"v")]))
    assert assembler.last_key == b"m"
    assembler.restart()
    [row] = assembler.feed(ReadRowsResponse(chunks=[chunk(b"n", "f", b"q", b"w", commit=True)]))
    assert row == Row(b"n", {b"q": b"w"})
    with pytest.raises(BigtableError, match="a last scanned row before"):
        assembler.feed(ReadRowsResponse(last_scanned_row_key=b"a"))
