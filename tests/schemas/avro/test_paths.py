"""Dot paths into data."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro.paths import compile_path, compile_projection
from transforms.core.paths import values_of

DATA: dict[str, Any] = {
    "sku": "A",
    "zero": 0,
    "no": False,
    "none": None,
    "empty": [],
    "tags": ["x", None, "y"],
    "address": {"city": "Köln", "geo": {"lat": 1.5}},
    "lines": [{"sku": "A", "sizes": [1, 2]}, {"sku": None}, {}, {"sku": "B", "sizes": [3]}, None],
    "notes": {"a": "x"},
}
CASES: list[tuple[str, list[Any]]] = [
    ("sku", ["A"]),
    ("zero", [0]),
    ("no", [False]),
    ("none", []),
    ("absent", []),
    ("empty", []),
    ("tags", ["x", "y"]),
    ("address", [DATA["address"]]),
    ("address.city", ["Köln"]),
    ("address.geo.lat", [1.5]),
    ("address.absent.lat", []),
    ("none.deeper", []),
    ("sku.deeper", []),
    ("tags.deeper", []),
    ("lines.sku", ["A", "B"]),
    ("lines.sizes", [1, 2, 3]),
    ("notes.a", ["x"]),
]


@pytest.mark.parametrize(("path", "values"), CASES)
def test_path_gives_the_values_in_the_order_of_the_data(path: str, values: list[Any]) -> None:
    assert values_of(compile_path(path)(DATA)) == values


@given(st.lists(st.sampled_from([case for case in CASES if case[0].split(".")[0] in DATA])))
def test_projection_reads_every_path(cases: list[tuple[str, list[Any]]]) -> None:
    found = compile_projection([path for path, _ in cases])(DATA)
    assert [values_of(value) for value in found] == [values for _, values in cases]


def test_data_is_left_as_it_is() -> None:
    values_of(compile_path("tags")(DATA)).append("z")
    values_of(compile_path("lines.sizes")(DATA)).append(4)
    assert DATA["tags"] == ["x", None, "y"]
    assert DATA["lines"][0]["sizes"] == [1, 2]
