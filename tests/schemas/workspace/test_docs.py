"""The examples of docs/workspace.md, docs/journeys.md and docs/policy.md load."""

from __future__ import annotations

import json
import re
from pathlib import Path

from schemas.workspace.export import FOLDER
from tests.schemas.workspace.shop import SECRET, Shop

DOCS = Path(__file__).parents[3] / "docs"


def blocks(page: str) -> list[tuple[str, str]]:
    """The code of a page: the language of each block, and its text."""
    return re.findall(r"^```(\w*)\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)


BLOCKS = blocks("workspace.md")
VISITS = """{"type": "record", "name": "Visit", "eventType": "%s", "version": 1, "doc": "A visit.",
"fields": [
{"name": "order", "doc": "Which.", "type": "long"},
{"name": "at", "doc": "When.", "type": {"type": "long", "logicalType": "timestamp-micros"}}]}"""


def test_every_yaml_example_loads(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path / "shop")
    for name in ("workspace.yaml", "profiles.yaml", "journeys/cart_left_behind.yaml"):
        (shop.directory / name).unlink()
    examples = [text for language, text in BLOCKS if language == "yaml"]
    for text in examples:
        match = re.match(r"# (\S+\.yaml)\n", text)
        assert match, f"an example without its file's name:\n{text}"
        shop.write(match[1], text)
    (record,) = (text for language, text in BLOCKS if language == "json" and '"eventType"' in text)
    shop.write(f"schemas/{json.loads(record)['eventType']}.v1.avsc", record)
    (table,) = (text for language, text in BLOCKS if language == "csv")
    shop.write("reference/products.csv", table)
    assert shop.found() == []
    workspace = shop.load()
    assert workspace.secret == SECRET
    assert [journey.name for journey in workspace.journeys] == [
        "cart_left_behind",
        "furniture_in_cart",
        "high_value_cart",
    ]
    assert set(workspace.messages) == {"cart_reminder", "advice", "measure"}
    assert set(workspace.tables) == {"products"}
    assert len(examples) == 4 + len(workspace.journeys)


def test_every_journey_of_the_page_loads(shop: Shop) -> None:
    for event_type in ("visit_booked", "visit_cancelled", "order_sent", "order_arrived"):
        shop.write(f"schemas/{event_type}.v1.avsc", VISITS % event_type)
    names = set()
    for language, text in blocks("journeys.md"):
        if language != "yaml":
            continue
        match = re.match(r"# journeys/(\S+)\.yaml\n", text)
        assert match, text
        shop.write(f"journeys/{match[1]}.yaml", text)
        names.add(match[1])
    assert shop.found() == []
    assert names <= {journey.name for journey in shop.load().journeys}
    assert len(names) > 5


def test_the_policy_page_s_files_load(shop: Shop) -> None:
    for language, text in blocks("policy.md"):
        if language == "yaml" and not text.startswith("# in "):
            shop.write(text.split("\n", 1)[0].removeprefix("# "), text)
    assert shop.found() == []
    workspace = shop.load()
    assert workspace.policy.control_percent == 5
    assert {cap.name for cap in workspace.policy.caps} == {"all", "email"}


def test_the_messages_shown_are_the_messages_told(shop: Shop) -> None:
    shop.edit("journeys/cart_left_behind.yaml", "channel: email", "channel: emial")
    shop.edit("profiles.yaml", "lookback: 7d", "lookback: 7")
    (shown,) = (text for _, text in BLOCKS if text.startswith("shop/"))
    told = [f"shop/{name}:{line}: {message}" for name, line, message in shop.found()]
    assert shown.splitlines() == told


def test_the_schemas_that_editors_are_pointed_to_exist() -> None:
    (settings,) = (json.loads(text) for language, text in BLOCKS if "yaml.schemas" in text)
    for path in settings["yaml.schemas"]:
        assert (FOLDER.parents[1] / path).is_file()
