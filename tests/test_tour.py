"""The tour of the shop: its commands run, what it shows is seen, and all there is occurs in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from schemas.action import Category
from schemas.decision import Outcome, Reason
from schemas.workspace import Workspace, load_workspace
from schemas.workspace.entries import ConditionEntry, EventEntry, ScheduleEntry
from schemas.workspace.steps import Step, walk_steps
from tests.pages import blocks, make_checkout, shell
from tests.pipelines.command_line import SHOP, well

PAGE = (SHOP / "README.md").read_text()
NOT_IN_A_MONTH = {
    Reason.VERSION_GONE,  # a workspace that lost a version
    Reason.PROFILE_OVERFLOW,  # a profile of 64 kB
    Reason.WRONG_DATA,  # data that fits its schema and not its template
    Reason.EXPIRED,  # a running job that was late
}
"""What does not come about in a bounded run over this sample."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkout(tmp_path_factory.mktemp("tour"))


@pytest.fixture(scope="module")
def shown(checkout: Path) -> str:
    """What the commands of the page print."""
    return shell("".join(blocks("sh", PAGE)), checkout)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return load_workspace(SHOP, {})


def test_what_the_page_shows_is_what_is_seen(shown: str) -> None:
    seen = {line.rstrip() for line in shown.splitlines()}
    examples = blocks("text", PAGE)
    assert len(examples) == 6
    for line in "".join(examples).splitlines():
        assert line in seen, line


def test_every_reason_and_outcome_comes_about(shown: str, checkout: Path) -> None:
    assert shown
    query = "SELECT DISTINCT reason, outcome FROM decisions"
    rows = well("sql", query, "--output", checkout / "out" / "shop", "--json").lines()
    assert {row["reason"] for row in rows} == set(Reason) - NOT_IN_A_MONTH
    assert {row["outcome"] for row in rows} == set(Outcome) - {Outcome.EXPIRED}


def test_every_channel_category_variant_and_answer_comes_about(
    shown: str, checkout: Path, workspace: Workspace
) -> None:
    assert shown
    actions = [
        json.loads(line)
        for path in (checkout / "out" / "shop" / "actions").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert {action["channel"] for action in actions} == set(workspace.channels)
    assert {action["category"] for action in actions} == set(Category)
    assert {action.get("variant") for action in actions} == {None, "question", "news"}
    assert {"de", "en", "fr"} <= {action.get("language") for action in actions}
    assert any("nominee" in action for action in actions)
    answers = (checkout / "out" / "answers.ndjson").read_text()
    assert set(re.findall(r"action\.(\w+)", answers)) == {
        "delivered", "opened", "clicked", "dismissed", "failed",
    }  # fmt: skip


def test_every_kind_of_step_entry_and_mode_is_there(workspace: Workspace) -> None:
    kinds = {type(step) for journey in workspace.journeys for step in walk_steps(journey.steps)}
    assert kinds == set(get_args(Step))
    entries = {type(journey.entry) for journey in workspace.journeys}
    assert entries == {EventEntry, ConditionEntry, ScheduleEntry}
    assert {journey.mode for journey in workspace.journeys} == {"live", "test", "dry_run"}
    assert {journey.version for journey in workspace.journeys if journey.name == "cart_left_behind"} == {2}


def test_the_page_lists_every_journey_and_every_file() -> None:
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))
    assert listed == {path.name.partition(".")[0] for path in (SHOP / "journeys").iterdir()}
    for path in SHOP.iterdir():
        if path.name != "README.md":
            assert f"`{path.name}/`" in PAGE or f"`{path.name}`" in PAGE, path.name
