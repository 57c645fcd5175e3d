from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.avro.positions import JsonError, parse

VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(VALUES, st.sampled_from([None, 0, 2]))
def test_the_value_is_that_of_the_json_module(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    assert parse(text).value == json.loads(text)


def test_lines_are_those_of_the_text() -> None:
    document = parse('{\n "a": [\n  1,\n  {"b":\n 2}],\n\n "c": 3}')
    assert document.lines == {(): 1, ("a",): 2, ("a", 0): 3, ("a", 1): 4, ("a", 1, "b"): 4, ("c",): 7}
    assert document.line(("a", 1, "b", "none", 5)) == 4


def test_repeated_keys_are_noted() -> None:
    assert parse('{"a": {"b": 1, "b": 2}}').repeated == [("a", "b")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ('{"a": 1,\n}', 2),
        ("[1,\n2", 2),
        ("[1 2]", 1),
        ("{'a': 1}", 1),
        ("\nNaN", 2),
        ("01", 1),
        ("1e999", 1),
        ("1" * 5000, 1),
        ('"\\ud800"', 1),
        ('"a', 1),
        ('{"a" 1}', 1),
        ("[" * 200, 1),
        ("{} {}", 1),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(JsonError) as caught:
        parse(text)
    assert caught.value.line == line
