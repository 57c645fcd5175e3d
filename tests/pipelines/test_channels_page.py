"""What docs/channels.md shows is what a run gives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.journeys_page import write_events
from tests.pipelines.command_line import well
from tests.workspaces import SETTINGS, write_workspace

PAGE = Path(__file__).parents[2] / "docs" / "channels.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def texts(language: str) -> list[str]:
    return [text for found, text in BLOCKS if found == language]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of the page."""
    directory = tmp_path_factory.mktemp("channels") / "shop"
    channels, journey = texts("yaml")
    settings = SETTINGS.partition("channels:")[0] + channels.partition("\n")[2]
    write_workspace(directory, settings=settings, journeys={"advice_by_video": journey.partition("\n")[2]})
    return directory


def run(shop: Path, directory: Path, lines: list[str]) -> Path:
    """The output of a run over events, one a line as the page writes them."""
    write_events(directory / "ann.ndjson", lines)
    output = directory / "output"
    well("run", "--workspace", shop, "--input", directory / "ann.ndjson", "--output", output)
    return output


def test_the_action_of_the_page_is_what_the_channel_gets(shop: Path, tmp_path: Path) -> None:
    (events,) = texts("text")
    output = run(shop, tmp_path, events.splitlines())
    assert [path.name for path in (output / "actions").iterdir()] == ["walk_in.ndjson"]
    (action,) = (output / "actions" / "walk_in.ndjson").read_text().splitlines()
    assert json.dumps(json.loads(action), indent=2, ensure_ascii=False) + "\n" == texts("json")[0]


def test_the_answer_of_the_page_is_in_the_contact_history(shop: Path, tmp_path: Path) -> None:
    shown, answer = map(json.loads, texts("json"))
    answer["data"]["action_id"] = shown["action_id"]
    (events,) = texts("text")
    lines = [*events.splitlines(), f"{answer['time']} {answer['type']} {json.dumps(answer['data'])}"]
    output = run(shop, tmp_path, lines)
    words = ("--workspace", shop, "--output", output, "--json")
    profile: dict[str, Any] = well("profile", "customer:ann", *words).json()
    (contact,) = profile["contacts"]
    assert contact["channel"] == "walk_in"
    assert list(contact["responses"]) == ["failed"]
