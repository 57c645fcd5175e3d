"""What docs/journeys.md shows for its examples is what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys_page import Example, blocks, examples, journeys, write_events, write_shop
from tests.pipelines.command_line import well

EXAMPLES = examples()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("page") / "shop"
    write_shop(directory)
    return directory


def test_every_journey_has_an_example_but_the_first_which_is_tried_in_full() -> None:
    assert ["welcome", *(example.name for example in EXAMPLES)] == list(journeys())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_what_the_page_shows_is_what_is_shown(example: Example, shop: Path, tmp_path: Path) -> None:
    journey = tmp_path / f"{example.name}.yaml"
    journey.write_text(example.text)
    write_events(tmp_path / "ann.ndjson", example.events)
    words = ["--workspace", shop, "--journey", journey, "--input", tmp_path / "ann.ndjson"]
    if example.as_of is not None:
        words += ["--as-of", example.as_of]
    _, _, shown = well("simulate", *words).out.partition("\n")
    assert shown == "".join(f"{line}\n" for line in example.shown)
    assert len(example.shown) <= 11, "the page is to stay short"


def test_the_first_example_is_run_as_the_page_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_shop(tmp_path / "shop")
    (tmp_path / "welcome.yaml").write_text(journeys()["welcome"])
    page = blocks()
    at = next(number for number, (language, _) in enumerate(page) if language == "json")
    (_, event), (language, command), (_, shown) = page[at : at + 3]
    (tmp_path / "ann.ndjson").write_text(event)
    cjaas, *words = command.split()
    assert (language, cjaas) == ("sh", "cjaas")
    monkeypatch.chdir(tmp_path)
    assert well(*words).out == shown
