"""Reference data of a job: loaded when it begins, and again when a file has changed."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from schemas.errors import CjaasError
from schemas.workspace import Workspace, load_workspace
from tests.transforms.streamed import Place, Told, bounded, in_order, moment, streamed
from tests.workspaces import write_workspace
from transforms.core.engine import Engine
from transforms.engines import LOOK_EVERY_US, Renewal, load_engine
from transforms.reference import load_reference

REFERENCE = """\
tables:
  - name: products
    file: products.csv
    key: sku
    columns: [{name: title, kind: text}, {name: price, kind: number}]
"""
JOURNEY = """\
name: cart
version: 1
category: operative
entry: {event: cart_added, reentry: always}
condition: {field: sku, table: products, column: price, op: ge, value: 20}
steps:
  - {send: tell, channel: web, template: cart, data: {title: {field: sku, table: products, column: title}}}
"""
BEFORE = "sku,title,price\nLAMP,Lamp,25\n"
AFTER = "sku,title,price\nLAMP,Table lamp,30\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    write_workspace(tmp_path / "shop", journeys={"cart": JOURNEY})
    (tmp_path / "shop" / "reference.yaml").write_text(REFERENCE)
    write(tmp_path, BEFORE, 1)
    return load_workspace(tmp_path / "shop", {})


def write(tmp_path: Path, content: str, written_s: int) -> None:
    """Writes the table as of a time; file systems need not tell two writes within a second apart."""
    path = tmp_path / "shop" / "products.csv"
    path.write_text(content)
    os.utime(path, (written_s, written_s))


def titles(engine: Engine) -> object:
    return engine.plan.tables["products"]["title"]


def test_the_rows_are_read(workspace: Workspace) -> None:
    reference = load_reference(workspace)
    assert reference.tables == {"products": {"title": {"LAMP": "Lamp"}, "price": {"LAMP": 25}}}
    assert load_reference(workspace) == reference


def test_other_rows_have_another_digest(workspace: Workspace, tmp_path: Path) -> None:
    before = load_reference(workspace).digest
    write(tmp_path, AFTER, 1)
    assert load_reference(workspace).digest != before


def test_a_workspace_without_tables_has_no_digest(tmp_path: Path) -> None:
    write_workspace(tmp_path / "plain")
    assert load_reference(load_workspace(tmp_path / "plain", {})) == ({}, b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "table products: expected a readable file at "),
        (
            "sku,title,price\nLAMP,Lamp,cheap\n",
            "line 2: price: expected a number such as 12.5, found text 'cheap'",
        ),
    ],
)
def test_what_cannot_be_used_is_told_before_any_event(
    workspace: Workspace, tmp_path: Path, content: str | None, message: str
) -> None:
    if content is None:
        (tmp_path / "shop" / "products.csv").unlink()
    else:
        write(tmp_path, content, 1)
    with pytest.raises(CjaasError) as told:
        load_engine(workspace)
    assert message in str(told.value)
    assert "\n" not in str(told.value)


def data_of(place: Place) -> list[object]:
    """What each action is filled with; a place keeps them without their sequence."""
    return [json.loads(body.replace(b",,", b","))["data"] for body in place.bodies().values()]


class Job:
    """What a running job does between its bundles."""

    def __init__(self, workspace: Workspace) -> None:
        self.now_us = 0
        self.engine = load_engine(workspace)
        self._renewal = Renewal(workspace, lambda: self.now_us)

    def _use(self, engine: Engine) -> None:
        self.engine = engine

    def look(self, after_us: int = LOOK_EVERY_US) -> bool | None:
        self.now_us += after_us
        return self._renewal.look(self._use)


def test_a_changed_file_is_used_from_the_next_look_on(workspace: Workspace, tmp_path: Path) -> None:
    job = Job(workspace)
    assert job.look() is None
    write(tmp_path, AFTER, 2)
    assert job.look(LOOK_EVERY_US - 1) is None
    assert job.look(1) is True
    assert titles(job.engine) == {"LAMP": "Table lamp"}
    assert job.look() is None


def test_a_file_that_cannot_be_used_is_told_once_and_the_rows_stay(
    workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(workspace)
    write(tmp_path, "sku,title\n", 2)
    with caplog.at_level(logging.WARNING):
        assert [job.look(), job.look()] == [False, None]
        (tmp_path / "shop" / "products.csv").unlink()
        assert [job.look(), job.look()] == [False, None]
    assert [record.getMessage().partition("products: ")[0] for record in caplog.records] == [
        "reference data stays as it was: table "
    ] * 2
    assert titles(job.engine) == {"LAMP": "Lamp"}
    write(tmp_path, AFTER, 3)
    assert job.look() is True
    assert titles(job.engine) == {"LAMP": "Table lamp"}


def test_a_running_job_decides_by_the_rows_that_are_there(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def now_us(place: Place) -> int:
        if place.wall_us >= moment("01-05T10:00"):
            write(tmp_path, AFTER, 2)
        return place.wall_us

    monkeypatch.setattr(Place, "now_us", now_us)
    carts = [Told(f"01-05T{hour:02}:00", "cart_added", {"sku": "LAMP", "price": 1.0}) for hour in (9, 11, 12)]
    place = streamed(workspace, in_order(carts))
    assert data_of(place) == [{"title": "Lamp"}, {"title": "Table lamp"}, {"title": "Table lamp"}]


def test_a_bounded_job_reads_them_too(workspace: Workspace) -> None:
    cart = Told("01-05T09:00", "cart_added", {"sku": "LAMP", "price": 1.0})
    assert data_of(bounded(workspace, [cart], "01-05T10:00")) == [{"title": "Lamp"}]
