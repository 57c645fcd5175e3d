"""Dot paths into data."""

from __future__ import annotations

from typing import Any

import pytest

from transforms.core.paths import compile_path

DATA: dict[str, Any] = {
    "sku": "A",
    "zero": 0,
    "no": False,
    "none": None,
    "empty": [],
    "tags": ["x", None, "y"],
    "address": {"city": "Köln", "geo": {"lat": 1.5}},
    "lines": [{"sku": "A", "sizes": [1, 2]}, {"sku": None}, {}, {"sku": "B", "sizes": [3]}, None],
    "grid": [[{"v": 1}], [{"v": 2}, {"v": 3}]],
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
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
        ("sku.deeper", []),
        ("lines.sku", ["A", "B"]),
        ("lines.sizes", [1, 2, 3]),
        ("grid.v", [1, 2, 3]),
    ],
)
def test_path_gives_the_values_in_the_order_of_the_data(path: str, values: list[Any]) -> None:
    assert compile_path(path)(DATA) == values


def test_arrays_within_arrays_give_each_element() -> None:
    assert compile_path("grid")({"grid": [[1, None], [2, [3]]]}) == [1, 2, 3]
