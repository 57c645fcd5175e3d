"""The catalogue of message templates, and how journeys fit it."""

from __future__ import annotations

import pytest

from schemas.action import Category
from schemas.workspace.messages import Datum
from tests.schemas.workspace.shop import Shop

CATALOGUE = """\
messages:
  - name: cart_reminder
    category: commercial
    channels: [email, web]
    languages: [de, en]
    valid: {from: 2026-01-01, until: 2026-12-31}
    data:
      - {name: name, kind: text}
      - {name: sku, kind: text}
      - {name: text, kind: text, required: false}
"""


def told(shop: Shop, catalogue: str) -> list[tuple[str, int, str]]:
    shop.write("messages.yaml", catalogue)
    return shop.found()


def test_a_catalogue_is_part_of_the_workspace(shop: Shop) -> None:
    shop.write("messages.yaml", CATALOGUE)
    template = shop.load().messages["cart_reminder"]
    assert template.category is Category.COMMERCIAL
    assert template.channels == frozenset({"email", "web"})
    assert template.languages == ("de", "en")
    assert template.data["text"] == Datum("text", "text", False)
    assert template.data["sku"].required


def test_without_a_catalogue_any_template_will_do(shop: Shop) -> None:
    assert shop.load().messages == {}


@pytest.mark.parametrize(
    ("text", "instead", "place", "message"),
    [
        (
            "name: cart_reminder",
            "name: cart_remainder",
            "steps[1].template",
            "expected a known message template, found 'cart_reminder'; did you mean cart_remainder?",
        ),
        (
            "category: commercial",
            "category: advisory",
            "steps[1].template",
            "expected a template for commercial messages, found 'cart_reminder', which is advisory; "
            "name another one, or change a category",
        ),
        (
            "channels: [email, web]",
            "channels: [web]",
            "steps[1].channel",
            "expected channels that have template 'cart_reminder': web, found email; "
            "change the channel, or add it to the template in messages.yaml",
        ),
        (
            "- {name: text, kind: text, required: false}",
            "- {name: texts, kind: text, required: false}",
            "steps[1].data.text",
            "expected a known value of template 'cart_reminder', found 'text'; did you mean texts?",
        ),
        (
            "- {name: sku, kind: text}",
            "- {name: sku, kind: number}",
            "steps[1].data.sku",
            "expected a number for sku, found text; take another",
        ),
        (
            "- {name: sku, kind: text}",
            "- {name: sku, kind: text}\n      - {name: price, kind: number}",
            "steps[1].template",
            "expected data for price, which template 'cart_reminder' needs, found none; add it to data",
        ),
    ],
)
def test_a_journey_must_fit_its_template(
    shop: Shop, text: str, instead: str, place: str, message: str
) -> None:
    assert CATALOGUE.count(text) == 1
    [(file, _, said)] = told(shop, CATALOGUE.replace(text, instead))
    assert file == "journeys/cart_left_behind.yaml"
    assert said == f"{place}: {message}"


@pytest.mark.parametrize(
    ("text", "instead", "message"),
    [
        ("[email, web]", "[emial]", "channels[0]: expected a known channel, found 'emial'"),
        ("[de, en]", "[german speaking]", "languages[0]: expected a language such as de or pt-BR"),
        ("until: 2026-12-31", "until: 2025-12-31", "valid.until: expected a time after from"),
        ("{name: text, kind", "{name: sku, kind", "data[2].name: expected another name of a value"),
        ("{name: name, kind: text}", "{name: name, kind: word}", "data[0].kind: expected"),
    ],
)
def test_a_mistake_of_the_catalogue_is_told(shop: Shop, text: str, instead: str, message: str) -> None:
    assert CATALOGUE.count(text) == 1
    problems = told(shop, CATALOGUE.replace(text, instead))
    [said] = [said for file, _, said in problems if file == "messages.yaml"]
    assert said.startswith(f"messages[0].{message}")


def test_the_fingerprint_is_of_the_workspace_s_files(shop: Shop) -> None:
    before = shop.load().fingerprint
    assert shop.load().fingerprint == before
    (shop.directory / "notes.txt").write_text("no part of it")
    assert shop.load().fingerprint == before
    shop.write("messages.yaml", CATALOGUE)
    assert shop.load().fingerprint != before
