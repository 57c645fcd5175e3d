"""From an Avro schema to makers of its values, as JSON text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from transforms.generate.crowd import Crowd
from transforms.generate.leaves import WORDS, Draw, Maker, Scene, ahead, literal, null, plain, ranged
from transforms.generate.realism import FieldHint

NUMBERS = 10_000_000
"""How many numbers there are to draw from."""
_DEEPEST = 6
_MISSING_SHARE = 0.25
_NAMING = {("string", None), ("string", "uuid")}
_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_COMPLEX = frozenset({"record", "error", "enum", "fixed", "array", "map"})


class Naming(NamedTuple):
    """How a field names a person: whether it may be null, and whether its text is a UUID."""

    optional: bool
    uuid: bool


class Makers:
    """Makes the makers of one schema; they share one source of random numbers.

    Args:
        draw: a number from 0 (included) to 1 (excluded).
        crowd: the people that identity fields name.
        pools: name -> rows.
        hints: dot path -> hint.
        identities: dot path -> namespace.
    """

    def __init__(
        self,
        draw: Draw,
        crowd: Crowd,
        pools: Mapping[str, Sequence[Mapping[str, Any]]],
        hints: Mapping[str, FieldHint],
        identities: Mapping[str, str],
    ) -> None:
        self._draw = draw
        self._crowd = crowd
        self._pools = pools
        self._hints = hints
        self._identities = identities
        self._named: dict[str, dict[str, Any]] = {}

    def record(self, definition: dict[str, Any]) -> Maker:
        """The maker of a whole event's data.

        Raises:
            ValueError: a hint doesn't fit the field's type; names the field.
        """
        return self._maker(definition, "", "", 0)

    def _maker(self, node: Any, path: str, space: str, depth: int) -> Maker:
        namespace = self._identities.get(path)
        if namespace is not None and (naming := naming_of(node)) is not None:
            return self._identity(naming, namespace)
        node, space = self._resolve(node, space)
        hint = self._hints.get(path)
        if isinstance(node, list):
            return self._union(node, path, space, depth, hint)
        kind = node["type"]
        if kind in ("record", "error"):
            return self._record(node, path, space, depth)
        if kind in ("array", "map"):
            return self._many(node, path, space, depth, hint)
        made = self._hinted(node, path, hint) if hint is not None else None
        return made or plain(self._draw, node)

    def _resolve(self, node: Any, space: str) -> tuple[Any, str]:
        """The definition behind a name, and the namespace that names inside it belong to."""
        while isinstance(node, str) or (isinstance(node, dict) and _is_wrapper(node)):
            if isinstance(node, dict):
                node = node["type"]
            elif node in _PRIMITIVES:
                return {"type": node}, space
            else:
                node = self._named.get(node) or self._named[f"{space}.{node}"]
        if isinstance(node, dict) and "name" in node:
            name = node["name"]
            space = name.rpartition(".")[0] if "." in name else node.get("namespace", space)
            self._named[name if "." in name else f"{space}.{name}"] = node
        return node, space

    def _record(self, node: dict[str, Any], path: str, space: str, depth: int) -> Maker:
        makers: list[Maker] = []
        parts: list[str] = []
        for field in node["fields"]:
            inner = f"{path}.{field['name']}" if path else field["name"]
            makers.append(self._maker(field["type"], inner, space, depth + 1))
            parts.append(f"{json.dumps(field['name'])}:%s")
        text = "{" + ",".join(parts) + "}"
        return lambda scene: text % tuple([make(scene) for make in makers])

    def _many(self, node: dict[str, Any], path: str, space: str, depth: int, hint: FieldHint | None) -> Maker:
        least, most = hint.length if hint is not None and hint.length else (0, 3)
        is_map = node["type"] == "map"
        if depth > _DEEPEST:
            return lambda scene: "{}" if is_map else "[]"
        draw, span = self._draw, most - least + 1
        make = self._maker(node["values" if is_map else "items"], path, space, depth + 1)

        def many(scene: Scene) -> str:
            count = least + int(draw() * span)
            rows = scene.rows
            made = []
            for index in range(count):
                if index:
                    scene.rows = {}
                text = make(scene)
                made.append(f'"{WORDS[index % len(WORDS)]}{index or ""}":{text}' if is_map else text)
            scene.rows = rows
            return "{" + ",".join(made) + "}" if is_map else "[" + ",".join(made) + "]"

        return many

    def _union(self, branches: list[Any], path: str, space: str, depth: int, hint: FieldHint | None) -> Maker:
        resolved = [self._resolve(branch, space) for branch in branches]
        chosen = [(node, inner) for node, inner in resolved if node["type"] != "null"]
        optional = len(chosen) < len(resolved)
        if not chosen or (optional and depth > _DEEPEST):
            return null
        draw = self._draw
        made: list[Maker] = []
        problems: list[ValueError] = []
        for node, inner in chosen:
            try:
                made.append(self._maker(node, path, inner, depth + 1))
            except ValueError as problem:
                problems.append(problem)
        if not made:
            raise problems[0]
        makers, count = tuple(made), len(made)
        missing = (1 - hint.present if hint is not None else _MISSING_SHARE) if optional else 0.0
        if count == 1 and not missing:
            return makers[0]

        def union(scene: Scene) -> str:
            if missing and draw() < missing:
                return "null"
            return makers[int(draw() * count)](scene)

        return union

    def _identity(self, naming: Naming, namespace: str) -> Maker:
        """The person's own value; null where the field may be and the person isn't known by it."""
        crowd, index = self._crowd, self._crowd.names.index(namespace)
        if not naming.optional:
            return lambda scene: f'"{crowd.value(scene.person, index)}"'
        bit = 1 << index
        return lambda scene: f'"{crowd.value(scene.person, index)}"' if scene.kind & bit else "null"

    def _hinted(self, node: dict[str, Any], path: str, hint: FieldHint) -> Maker | None:
        draw = self._draw
        if hint.values is not None:
            texts = [literal(node, value, path) for value in hint.values]
            return lambda scene: texts[int(draw() * len(texts))]
        if hint.pool is not None:
            column = [literal(node, row.get(str(hint.column)), path) for row in self._pools[hint.pool]]
            return self._pooled(hint.pool, column)
        if hint.person is not None:
            crowd, part = self._crowd, hint.person
            if node["type"] != "string":
                raise ValueError(f"{path}: expected a string field for person: {part}, found {node['type']}")
            if part == "name":
                return lambda scene: f'"{crowd.name(scene.person)}"'
            place = ("postal_code", "city").index(part)
            return lambda scene: f'"{crowd.home(scene.person)[place]}"'
        if hint.number is not None and hint.format is not None:
            if node["type"] != "string":
                raise ValueError(f"{path}: expected a string field for a number, found {node['type']}")
            return self._numbered(hint.number, hint.format)
        if hint.ahead is not None:
            return ahead(draw, node, path, hint.ahead_us, hint.daytime_us)
        return None if hint.range is None else ranged(self._draw, node, path, *hint.range)

    def _numbered(self, name: str, form: str) -> Maker:
        draw, key = self._draw, f"number {name}"

        def numbered(scene: Scene) -> str:
            if key not in scene.rows:
                scene.rows[key] = int(draw() * NUMBERS)
            return f'"{form % scene.rows[key]}"'

        return numbered

    def _pooled(self, pool: str, column: list[str]) -> Maker:
        draw, count = self._draw, len(column)

        def pooled(scene: Scene) -> str:
            row = scene.rows.get(pool)
            if row is None:
                chance = draw()
                row = scene.rows[pool] = int(chance * chance * count)
            return column[row]

        return pooled


def naming_of(node: Any) -> Naming | None:
    """How a field of an Avro type names a person; None for a type that holds no identity by itself."""
    branches = node if isinstance(node, list) else [node]
    shapes = [branch if isinstance(branch, dict) else {"type": branch} for branch in branches]
    found = [shape for shape in shapes if shape["type"] != "null"]
    kinds = {(shape["type"], shape.get("logicalType")) for shape in found if isinstance(shape["type"], str)}
    if len(found) != 1 or not kinds <= _NAMING:
        return None
    if not kinds:
        return None
    return Naming(len(found) < len(shapes), ("string", "uuid") in kinds)


def _is_wrapper(node: dict[str, Any]) -> bool:
    """Whether a definition only says which other type it is."""
    kind = node["type"]
    return isinstance(kind, dict | list) or kind not in _PRIMITIVES | _COMPLEX
