"""The files that CJDS exports: their shapes, and what is none of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.cjds import read_exports, summed_up
from schemas.errors import InputError
from tests.schemas.cjds.exports import (
    attribute,
    attributes,
    imported,
    template,
    told,
)


@pytest.mark.parametrize(
    "shape",
    [
        lambda part: part,
        lambda part: [part],
        lambda part: {"meta": {"orgId": "o"}, "data": part},
        lambda part: {"Data": [part]},
        lambda part: {"templates": [part]},
    ],
)
def test_every_shape_of_a_file(tmp_path: Path, shape: Any) -> None:
    assert len(attributes(imported(tmp_path, shape(template(attribute()))))) == 1


def test_the_path_leads_through_the_answer_of_an_api(tmp_path: Path) -> None:
    result = imported(tmp_path, {"meta": {}, "data": [template(attribute(aggregationMode="x"))]})
    assert [remark.where for remark in result.remarks] == ["data[0].attributes[0].aggregationMode"]


@pytest.mark.parametrize("value", [{}, [1], "text", {"data": None}, {"attributes": 1}, {"name": "x"}])
def test_what_is_neither_a_template_nor_an_action_is_told(tmp_path: Path, value: Any) -> None:
    result = imported(tmp_path, json.dumps(value))
    assert result.files == {}
    assert len(told(result, loss=True)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"name":\n  "x",}', "{}:2: not JSON: "),
        ("", "{}:1: not JSON: "),
        ('{"a": 1, "a": 2}', "{}: expected each key once, found 'a' twice in one object; correct it"),
        ('{"a": 1e999}', "{}: expected finite numbers, found 1e999; correct it"),
        ('{"a": NaN}', "{}: expected finite numbers, found NaN; correct it"),
        (f'{{"a": {1 << 63}}}', "{}: expected whole numbers of at most 64 bits, found 9223372036854775808"),
        ("[" * 100_000, "{}: nested too deeply; flatten it"),
    ],
)
def test_what_is_no_json_of_theirs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(InputError) as told_:
        read_exports([path])
    assert str(told_.value).startswith(message.format(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.json").write_bytes(b'"\xe9"')
    with pytest.raises(InputError, match="expected UTF-8, found the byte 0xe9"):
        read_exports([tmp_path / "latin.json"])
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_exports([tmp_path / "none.json"])


def test_two_spellings_of_one_key_are_refused(tmp_path: Path) -> None:
    result = imported(tmp_path, template({**attribute(), "Limit": 3}))
    assert told(result, loss=True) == [
        "0.json: attributes[0]: expected each key once, found 'Limit' beside another spelling; remove one; "
        "the attribute is left out: correct it"
    ]


def test_what_is_told_again_and_again_is_summed_up(tmp_path: Path) -> None:
    shown = {"widgetAttributes": {"type": "table"}}
    result = imported(tmp_path, template(*(attribute(displayName=name, **shown) for name in "abc")))
    [remark] = summed_up(result.remarks)
    assert remark.where == "attributes[0].widgetAttributes and 2 more"
