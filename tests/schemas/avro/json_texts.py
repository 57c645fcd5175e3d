"""JSON texts for generated schemas: fitting ones, written oddly, and ones that are wrong somewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.schemas.avro.strategies import FIELD_NAMES, JSON, mostly, named_types

_SPACE = st.sampled_from(["", "", "", " ", "\n\t", "\r\n  "])
_INTS = st.one_of(
    st.sampled_from(["-0", "2147483647", "-2147483648"]), st.integers(-(1 << 31), (1 << 31) - 1).map(str)
)
_LONGS = st.one_of(
    st.sampled_from(["-0", "9223372036854775807", "-9223372036854775808"]),
    st.integers(-(1 << 63), (1 << 63) - 1).map(str),
)
_DOUBLES = st.one_of(
    st.sampled_from(
        ["-0", "1.0", "1e2", "1E+2", "-0.0", "-0e0", "1e-400", "5e-324", "1.7976931348623157e308"]
    ),
    st.sampled_from(["18446744073709551615", "18446744073709551616", "36893488147419103233"]),
    st.sampled_from(["9007199254740993", "-9007199254740993", "123456789012345678901234567890", "1" * 300]),
    st.sampled_from(
        ["0.1", "0.30000000000000004", "1." + "0" * 400 + "1", "2." + "4" * 40, "1.50", "12.345"]
    ),
    st.integers(-(1 << 80), 1 << 80).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?\Z"),
)
_NEARLY = st.sampled_from(
    [
        *("2147483648", "-2147483649", "9223372036854775808", "-9223372036854775809", "1.0", "1e2"),
        *("1e400", "1.7976931348623159e308", "1" * 400, "1" * 5000, "true", "null", '"1"'),
    ]
)
_WRONG_NUMBERS = st.sampled_from(
    ["01", "+1", "1.", ".5", "1e", "1e99999999999999999999", "NaN", "Infinity", "-Infinity"]
)
_TEXTS = st.one_of(
    st.sampled_from(
        ['""', '"x"', '"RED"', '"a\\u0000b"', '"\\u00ff"', '"\\u0100"', '"\\ud83d\\ude00"', '"-0"']
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5).map(json.dumps),
    st.text(st.characters(exclude_categories=["Cs"], min_codepoint=128), max_size=5).map('"{}"'.format),
)
_LOGICAL = {
    "decimal": ['"12.50"', '"-1.5"', "12.5", "1e2", "7", "-0", "0.10", '"0"'],
    "uuid": [
        '"8C1F9F5E-5BFA-4B0E-9A3E-1A2B3C4D5E6F"',
        '"8c1f9f5e-5bfa-4b0e-9a3e-1a2b3c4d5e6f"',
        '"8c1f9f5e5bfa4b0e9a3e1A2B3C4D5E6F"',
        '"8c1f9f5e-5bfa4b0e9a3e1a2b3c4d5e6f"',
        '"{8c1f9f5e5bfa4b0e9a3e1a2b3c4d5e6f}"',
    ],
    "date": ['"2026-01-02"', "1", "-1", "-719162", "-719163", "2932896", "2932897", '"2026-02-29"'],
    "time-": ['"03:04:05"', '"03:04:05.5"', "1"],
    "timestamp-": [
        '"2026-01-02T03:04:05Z"',
        '"2026-01-02T03:04:05.123Z"',
        '"2026-01-31T23:59:60+01:00"',
        "1",
        '"2026-01-02 03:04:05.12345678z"',
        '"2026-01-02t03:04:05+0130"',
        '"2026-01-02T03:04:05-00:00"',
        '"2026-01-02T03:04:05,5Z"',
        '"0001-01-01T00:00:00+00:01"',
        '"9999-12-31T23:59:59.9996Z"',
        '"9999-12-31T23:59:59-00:01"',
        "253402300799999",
        "253402300800000",
        "253402300799999999",
        "253402300800000000",
        "-62135596800000",
        "-62135596800001",
    ],
    "local-timestamp-": ['"2026-01-02T03:04:05.5"', '"2026-01-02T03:04:05"', "-1"],
}
_LOGICAL_TEXTS = st.sampled_from([text for texts in _LOGICAL.values() for text in texts])
_WRONG_TEXTS = st.sampled_from(['"\\ud800"', '"\\udc00x"', '"\\x"', '"\x01"', '"abc', "'x'", '"\ud800"'])
_STRAY = st.one_of(
    *[_INTS, _LONGS, _DOUBLES, _NEARLY, _WRONG_NUMBERS, _TEXTS, _LOGICAL_TEXTS, _WRONG_TEXTS],
    st.sampled_from(
        ["null", "nul", "", "{}", "[]", '{"x"}', "[" * 100_000, '{"a":' * 3000 + "1" + "}" * 3000]
    ),
    st.integers(1, 400).map(lambda depth: "[" * depth + "]" * depth),
    JSON.map(json.dumps),
)
_WRONG_BYTES = st.sampled_from(
    [b"\xff", b"\xed\xa0\x80", b"\xc3", b"\x00", b"\xef\xbb\xbf", b",", b"}", b"\\"]
)


def texts(schema: Any) -> st.SearchStrategy[bytes]:
    """JSON texts as bytes: of two, one mostly fits the schema, and one has something wrong in it."""
    named = named_types(schema)
    fitting, odd = (_Texts(named, odd=odd).text(schema, 4) for odd in (False, True))
    whole = st.builds("{}{}{}".format, _SPACE, fitting, _SPACE).map(_bytes)
    broken = st.builds(_insert, whole, st.integers(0, 200), _WRONG_BYTES)
    return mostly(whole, mostly(odd.map(_bytes), broken, 4), 2)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _insert(raw: bytes, at: int, more: bytes) -> bytes:
    return raw[:at] + more + raw[at:]


class _Texts:
    """`odd`: any part may be something else, and objects may have other fields and fields twice."""

    def __init__(self, named: dict[str, Any], *, odd: bool) -> None:
        self.named = named
        self.odd = odd

    def text(self, schema: Any, depth: int) -> st.SearchStrategy[str]:
        if depth < 0:
            return st.just("null")
        if isinstance(schema, list):
            return st.one_of([part for branch in schema for part in self.branch(branch, depth)])
        if isinstance(schema, str):
            schema = self.named.get(schema, {"type": schema})
        fitting = self.fitting(schema, depth)
        return mostly(fitting, _STRAY, 12) if self.odd else fitting

    def branch(self, branch: Any, depth: int) -> list[st.SearchStrategy[str]]:
        plain = self.text(branch, depth - 1)
        if not self.odd:
            return [plain]
        name = branch if isinstance(branch, str) else branch.get("name", branch["type"])
        space = "" if isinstance(branch, str) else branch.get("namespace", "")
        tags = st.sampled_from([name, f"{space}.{name}".lstrip("."), "string", "map"])
        return [mostly(plain, st.builds('{{"{}":{}}}'.format, tags, plain), 4)]

    def fitting(self, schema: dict[str, Any], depth: int) -> st.SearchStrategy[str]:
        if "logicalType" in schema:
            start = max((start for start in _LOGICAL if schema["logicalType"].startswith(start)), key=len)
            return mostly(st.sampled_from(_LOGICAL[start]), st.one_of(_LOGICAL_TEXTS, _INTS), 6)
        match schema["type"]:
            case "record":
                return self.record(schema, depth)
            case "array":
                items = st.lists(self.text(schema["items"], depth - 1), max_size=3)
                return st.builds(lambda parts, space: f"[{f'{space},'.join(parts)}]", items, _SPACE)
            case "map":
                keys = st.sampled_from(["a", "b", "map", "string", "\\u0061", ""])
                return st.lists(st.tuples(keys, self.text(schema["values"], depth - 1)), max_size=3).map(
                    _object
                )
            case "enum":
                return st.sampled_from(schema["symbols"]).map(json.dumps)
            case "null":
                return st.just("null")
            case "boolean":
                return st.sampled_from(["true", "false"])
            case "int":
                return self.number(_INTS)
            case "long":
                return self.number(_LONGS)
            case "float" | "double":
                return self.number(_DOUBLES)
            case "bytes":
                return st.text(st.characters(max_codepoint=255), max_size=4).map(json.dumps)
            case "fixed":
                return st.sampled_from(['"abc"', '"\\u00ff\\u0000\\u0001"'])
            case _:
                return _TEXTS

    def number(self, fitting: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return mostly(fitting, _NEARLY, 3) if self.odd else fitting

    def record(self, schema: dict[str, Any], depth: int) -> st.SearchStrategy[str]:
        whole = st.tuples(
            *(
                st.tuples(st.just(item["name"]), self.text(item["type"], depth - 1))
                for item in schema["fields"]
            )
        )
        shuffled = whole.flatmap(st.permutations)
        usual = mostly(whole, st.one_of(shuffled, whole.map(lambda items: items[1:])), 5).map(_object)
        if not self.odd:
            return usual
        names = st.sampled_from([*FIELD_NAMES, "zz", "\\u0061"])
        stray = st.lists(st.tuples(names, _STRAY), min_size=1, max_size=2)
        more = st.one_of(
            st.builds(lambda items, more: [*more, *items], whole, stray),
            st.builds(lambda items, more: [*items, *more], whole, stray),
        )
        return mostly(usual, more.map(_object), 5)


def _object(items: Sequence[tuple[str, str]]) -> str:
    return "{" + ", ".join(f'"{name}":{value}' for name, value in items) + "}"
