"""`cjaas schemas`: list, show, and whether a file can follow the versions that are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.workspace.load import OWN_EVENTS
from tests.pipelines.command_line import SHOP, cjaas, well

LOGIN = SHOP / "schemas" / "login.v1.avsc"


def changed(path: Path, change: dict[str, Any], *fields: dict[str, Any]) -> Path:
    """A schema file like the login's, changed."""
    definition = json.loads(LOGIN.read_text()) | change
    definition["fields"] = [*definition["fields"], *fields]
    path.write_text(json.dumps(definition))
    return path


def test_list_names_every_schema() -> None:
    table = well("schemas", "list", "--workspace", SHOP).out
    rows = well("schemas", "list", "--workspace", SHOP, "--json").json()
    assert [(row["type"], row["version"]) for row in rows].count(("cart_added", 2)) == 1
    assert len(rows) == sum(len(list(folder.glob("*.avsc"))) for folder in (SHOP / "schemas", OWN_EVENTS))
    for row in rows:
        assert row["type"] in table
        assert Path(row["path"]).name == f"{row['type']}.v{row['version']}.avsc"
    assert "customer_id (customer)" in table


@pytest.mark.parametrize(("name", "version"), [("cart_added", 2), ("cart_added/1", 1)])
def test_show_prints_the_file(name: str, version: int) -> None:
    path = SHOP / "schemas" / f"cart_added.v{version}.avsc"
    assert well("schemas", "show", name, "--workspace", SHOP).json() == json.loads(path.read_text())


def test_a_new_version_that_adds_a_default_can_follow(tmp_path: Path) -> None:
    field = {"name": "device", "type": ["null", "string"], "default": None, "doc": "What it was done on."}
    path = changed(tmp_path / "login.v2.avsc", {"version": 2}, field)
    done = well("schemas", "compatibility", path, "--workspace", SHOP)
    assert done.out == "login/2 reads all data of login/1 and before\n"
    report = well("schemas", "compatibility", path, "--workspace", SHOP, "--json").json()
    assert report == {"schema": "login/2", "compatible": True, "problems": []}


def test_a_new_version_that_needs_what_was_not_sent_cannot_follow(tmp_path: Path) -> None:
    field = {"name": "device", "type": "string", "doc": "What it was done on."}
    path = changed(tmp_path / "login.v2.avsc", {"version": 2}, field)
    done = cjaas("schemas", "compatibility", path, "--workspace", SHOP)
    assert (done.code, done.err) == (1, "")
    assert done.out == f"{path}:1: cannot read version 1: field device is new and has no default\n"
    done = cjaas("schemas", "compatibility", path, "--workspace", SHOP, "--json")
    assert done.code == 1
    assert done.json()["compatible"] is False
    assert len(done.json()["problems"]) == 1


def test_a_version_is_compared_with_all_before_it(tmp_path: Path) -> None:
    definition = json.loads((SHOP / "schemas" / "cart_added.v2.avsc").read_text())
    definition["version"] = 3
    definition["fields"] = [field for field in definition["fields"] if field["name"] != "quantity"]
    definition["fields"].append({"name": "quantity", "type": "string", "default": "1", "doc": "How many."})
    path = tmp_path / "cart_added.v3.avsc"
    path.write_text(json.dumps(definition))
    done = cjaas("schemas", "compatibility", path, "--workspace", SHOP)
    assert done.code == 1
    assert "cannot read version 2: field quantity" in done.out


def test_the_first_schema_of_a_type_is_told(tmp_path: Path) -> None:
    path = changed(tmp_path / "logout.v1.avsc", {"eventType": "logout", "name": "logout"})
    done = well("schemas", "compatibility", path, "--workspace", SHOP)
    assert done.out == "logout/1 is the first schema of its type\n"


def test_a_schema_of_the_workspace_is_compatible_with_itself() -> None:
    assert well("schemas", "compatibility", LOGIN, "--workspace", SHOP).code == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("show",), 2, "schemas show: expected a NAME, TYPE or TYPE/VERSION, found none"),
        (("show", "logout"), 2, "logout: no such schema; `cjaas schemas list` shows all"),
        (("show", "login/x"), 2, "login/x: expected TYPE or TYPE/VERSION such as cart_added/2"),
        (("show", "login/9"), 2, "login/9: no such schema"),
        (("compatibility",), 2, "schemas compatibility: expected a NAME, an .avsc file, found none"),
        (("compatibility", "login"), 2, "login: expected a schema file, TYPE.vN.avsc"),
        (("compatibility", "login.v2.avsc"), 1, "login.v2.avsc: cannot be read: No such file or directory"),
        (("forget",), 2, "invalid choice: 'forget'"),
    ],
)
def test_what_it_cannot_do_it_tells_in_a_line(words: tuple[str, ...], code: int, message: str) -> None:
    done = cjaas("schemas", *words, "--workspace", SHOP)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_version_that_is_taken_is_told(tmp_path: Path) -> None:
    path = changed(tmp_path / "login.v1.avsc", {})
    done = cjaas("schemas", "compatibility", path, "--workspace", SHOP)
    assert done.code == 2
    assert f"{path}: expected version 2 of login, since login/1 is its newest, found 1" in done.err


def test_a_file_that_is_no_schema_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "login.v2.avsc"
    path.write_text('{\n  "type": "record",\n')
    done = cjaas("schemas", "compatibility", path, "--workspace", SHOP)
    assert (done.code, done.out) == (1, "")
    assert f"{path}:" in done.err
    assert done.err.count("\n") == 1
