"""Makers of simple Avro values, as JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, format_rfc3339

WORDS = [
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "indigo",
    "juniper", "kelp", "lilac", "maple", "north", "ochre", "pebble", "quartz", "river",
    "slate", "tundra", "umber", "violet", "willow", "yarrow", "zephyr",
]  # fmt: skip

_QUARTER_US = 15 * MINUTE_US


class Scene:
    """What a value may depend on: who acts and when, and which rows of the pools it is about."""

    __slots__ = ("kind", "person", "rows", "time_us")

    def __init__(self, person: int, kind: int, time_us: int, rows: dict[str, int]) -> None:
        self.person = person
        self.kind = kind
        self.time_us = time_us
        self.rows = rows


Draw = Callable[[], float]
Maker = Callable[[Scene], str]


def plain(draw: Draw, node: dict[str, Any]) -> Maker:
    """Values of a type that nothing more is known of."""
    kind, logical = node["type"], node.get("logicalType")
    if logical == "decimal":
        scale, digits = node.get("scale", 0), min(node["precision"], 15)
        return lambda scene: _decimal_text(int(draw() * 10**digits), scale)
    if logical == "uuid":
        return lambda scene: (
            f'"{int(draw() * 2**32):08x}-{int(draw() * 2**16):04x}-4{int(draw() * 2**12):03x}'
            f'-8{int(draw() * 2**12):03x}-{int(draw() * 2**48):012x}"'
        )
    if logical in _TIMES:
        write = _TIMES[logical]
        return lambda scene: write(scene.time_us - int(draw() * HOUR_US))
    if kind == "enum":
        symbols = [json.dumps(symbol) for symbol in node["symbols"]]
        return lambda scene: symbols[int(draw() * len(symbols))]
    if kind == "fixed":
        size = node["size"]
        return lambda scene: '"' + "".join([chr(97 + int(draw() * 26)) for _ in range(size)]) + '"'
    simple: dict[str, Maker] = {
        "null": null,
        "boolean": lambda scene: "true" if draw() < 0.5 else "false",
        "int": lambda scene: str(int(draw() * 1000)),
        "long": lambda scene: str(int(draw() * 1_000_000)),
        "float": lambda scene: repr(int(draw() * 4000) / 4),
        "double": lambda scene: repr(round(draw() * 1000, 2)),
        "bytes": lambda scene: f'"{int(draw() * 2**32):08x}"',
        "string": lambda scene: f'"{WORDS[int(draw() * len(WORDS))]}"',
    }
    return simple[kind]


def ranged(draw: Draw, node: dict[str, Any], path: str, least: float, most: float) -> Maker:
    """Numbers from the least to the greatest, both included.

    Raises:
        ValueError: the field is no number; names it.
    """
    kind = node["type"]
    if kind in ("int", "long") and "logicalType" not in node:
        start, span = int(least), int(most) - int(least) + 1
        return lambda scene: str(start + int(draw() * span))
    if kind in ("float", "double"):
        return lambda scene: repr(round(least + draw() * (most - least), 2))
    if node.get("logicalType") == "decimal":
        scale = node.get("scale", 0)
        start, span = round(least * 10**scale), round((most - least) * 10**scale) + 1
        return lambda scene: _decimal_text(start + int(draw() * span), scale)
    raise ValueError(f"{path}: expected a number field for range, found {node.get('logicalType', kind)}")


def ahead(
    draw: Draw, node: dict[str, Any], path: str, after_us: tuple[int, int], daytime_us: tuple[int, int] | None
) -> Maker:
    """Times so long after the event, on the quarter of an hour before.

    Args:
        daytime_us: the least and the greatest time of that UTC day; None for any.

    Raises:
        ValueError: the field is no timestamp; names it.
    """
    write = _TIMES.get(node.get("logicalType", ""))
    if write not in (_timestamp, _local_timestamp):
        found = node.get("logicalType", node["type"])
        raise ValueError(f"{path}: expected a timestamp field for ahead, found {found}")

    def within(window_us: tuple[int, int]) -> int:
        return window_us[0] + int(draw() * (window_us[1] - window_us[0]))

    def after(scene: Scene) -> str:
        time_us = scene.time_us + within(after_us)
        if daytime_us is not None:
            time_us += within(daytime_us) - time_us % DAY_US
        return write(time_us - time_us % _QUARTER_US)

    return after


def literal(node: dict[str, Any], value: Any, path: str) -> str:
    """The JSON text of a value from a workspace's generate.yaml, for a field of a simple Avro type.

    Raises:
        ValueError: it is none of the type; names the field.
    """
    kind, logical = node["type"], node.get("logicalType")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if logical == "decimal" and number:
        return f'"{Decimal(str(value)):.{node.get("scale", 0)}f}"'
    if kind in ("float", "double") and number:
        return repr(float(value))
    if logical is None or isinstance(value, str):
        fits = {
            "null": value is None,
            "boolean": isinstance(value, bool),
            "int": number and isinstance(value, int),
            "long": number and isinstance(value, int),
            "enum": value in node.get("symbols", ()),
        }.get(kind, isinstance(value, str))
        if fits:
            return json.dumps(value, ensure_ascii=False)
    raise ValueError(f"{path}: expected a value for {logical or kind}, found {value!r}")


def null(scene: Scene) -> str:
    """The maker of the one value of type null."""
    return "null"


def _decimal_text(unscaled: int, scale: int) -> str:
    if not scale:
        return f'"{unscaled}"'
    sign, digits = ("-", -unscaled) if unscaled < 0 else ("", unscaled)
    return f'"{sign}{digits // 10**scale}.{digits % 10**scale:0{scale}d}"'


def _timestamp(time_us: int) -> str:
    return f'"{format_rfc3339(time_us // 1000 * 1000)}"'


def _local_timestamp(time_us: int) -> str:
    return f'"{format_rfc3339(time_us // 1000 * 1000)[:-1]}"'


def _date(time_us: int) -> str:
    return f'"{format_rfc3339(time_us + DAY_US)[:10]}"'


def _time_of_day(time_us: int) -> str:
    return f'"{format_rfc3339(time_us // 1000 * 1000)[11:-1]}"'


_TIMES: dict[str, Callable[[int], str]] = {
    "date": _date,
    "time-millis": _time_of_day,
    "time-micros": _time_of_day,
    **dict.fromkeys(("timestamp-millis", "timestamp-micros", "timestamp-nanos"), _timestamp),
    **dict.fromkeys(
        ("local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"), _local_timestamp
    ),
}
