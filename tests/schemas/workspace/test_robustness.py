"""Whatever a file says, it is told as problems, and a workspace without problems loads and travels."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.workspace.document import Location, read_document
from tests.schemas.workspace.shop import JOURNEY, PROFILES, WORKSPACE, Shop

FILES = {
    "workspace.yaml": WORKSPACE,
    "profiles.yaml": PROFILES,
    "journeys/cart_left_behind.yaml": JOURNEY,
}
SCALARS = st.sampled_from(
    [None, True, 0, 1, 7, -1, 2.5, "", "*", "x", "7d", "2026-01-01", "$time", "email", "login", "sku", "name"]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["all", "any", "not", "field", "attribute", "op", "value", "name", "wait", "send"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def locations(value: Any, location: Location = ()) -> Iterator[Location]:
    yield location
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield from locations(inner, (*location, key))


def replaced(value: Any, location: Location, new: Any) -> Any:
    if not location:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[location[0]] = replaced(copy[location[0]], location[1:], new)
    return copy


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("robust") / "shop")


def plain(shop: Shop, name: str, text: str) -> Any:
    path: Path = shop.directory / name
    path.write_text(text, "utf-8")
    document, problems = read_document(path)
    assert document is not None
    assert problems == []
    return document.value


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(list(FILES)), data=st.data())
def test_any_value_anywhere_is_told_or_loads(sound: Shop, name: str, data: st.DataObject) -> None:
    value = plain(sound, name, FILES[name])
    location = data.draw(st.sampled_from(list(locations(value))))
    changed = replaced(value, location, data.draw(VALUES))
    sound.write(name, yaml.safe_dump(changed))
    try:
        problems = sound.check()
        if problems:
            assert all(problem.line >= 1 and problem.message for problem in problems)
        else:
            workspace = sound.load()
            assert pickle.loads(pickle.dumps(workspace)).journeys == workspace.journeys
    finally:
        sound.write(name, FILES[name])


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(list(FILES)), content=st.binary(max_size=60))
def test_any_bytes_are_told_or_load(sound: Shop, name: str, content: bytes) -> None:
    (sound.directory / name).write_bytes(content)
    try:
        assert sound.check()
    finally:
        sound.write(name, FILES[name])
