"""What another system knows of persons, imported from CSV: consents, lists, preferences and leads.

The files are those of `examples/shop/imports`; four customers, of whom each list tells something.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from schemas.event import Event
from schemas.workspace import load_workspace
from tests.messages import decode_one
from tests.pipelines.command_line import ROOT, SHOP, cjaas, contents, well
from transforms.core.decode import Decoder

IMPORTS = SHOP / "imports"
PAGE = ROOT / "docs" / "convert.md"
LISTS = ("consents", "suppressions", "preferences", "leads")
SPRING = """
name: spring_sale
version: 1
category: commercial
entry:
  event: lead.created
  where:
    all:
      - {field: campaign, op: eq, value: spring}
      - {field: propensity, op: ge, value: 0.3}
steps:
  - send: offer
    channel: push
    template: spring_sale
    data: {propensity: {field: propensity}}
"""


class Imported(NamedTuple):
    """The shop with a journey for leads, the converted lists, and a run over them."""

    workspace: Path
    events: list[Path]
    output: Path

    def preferences(self, customer: str) -> Any:
        where = ("--workspace", self.workspace, "--output", self.output)
        return well("preferences", f"customer:{customer}", *where, "--json").json()

    def decisions(self) -> list[dict[str, Any]]:
        query = "SELECT person_id, journey, outcome, reason FROM decisions"
        rows: list[dict[str, Any]] = well("sql", query, "--output", self.output, "--json").lines()
        return rows

    def events_of(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.events[LISTS.index(name)].read_bytes().splitlines()]


def convert(name: str, folder: Path, log: Path | None = None) -> tuple[Path, dict[str, int]]:
    """Converts a list; the events, and the closing table."""
    output = folder / f"{name}.ndjson"
    words = ("--mapping", IMPORTS / f"{name}.yaml", "--input", log or IMPORTS / f"{name}.csv")
    done = cjaas("convert", "--workspace", SHOP, *words, "--output", output, "--allow-rejects", "--json")
    assert (done.code, done.err) == (0, "")
    return output, done.json()


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Imported:
    folder = tmp_path_factory.mktemp("imports")
    workspace = folder / "shop"
    shutil.copytree(SHOP, workspace)
    for journey in (workspace / "journeys").iterdir():
        journey.unlink()
    (workspace / "journeys" / "spring_sale.yaml").write_text(SPRING)
    # The journey's template is none of the shop's catalogue.
    (workspace / "messages.yaml").unlink()
    events = []
    for name in LISTS:
        path, table = convert(name, folder)
        assert table["rows_rejected"] == 0
        events.append(path)
    output = folder / "output"
    summary = well("run", "--workspace", workspace, "--input", *events, "--output", output, "--json").json()
    assert (summary["dead_letters"], summary["duplicates"], summary["profiles"]) == ({}, 0, 4)
    return Imported(workspace, events, output)


def test_every_row_is_a_valid_event_of_the_shop(imported: Imported) -> None:
    decoder = Decoder(load_workspace(SHOP, {}), "0")
    found: Counter[str] = Counter()
    for path in imported.events:
        for line in path.read_bytes().splitlines():
            event = decode_one(decoder, line)
            assert isinstance(event, Event), event
            found[event.type] += 1
    assert found == {
        "consent.given": 3,
        "consent.withdrawn": 4,
        "suppression.changed": 3,
        "preference.changed": 2,
        "lead.created": 4,
    }


def test_what_was_said_elsewhere_stands_since_it_was_said(imported: Imported) -> None:
    shown = imported.preferences("C2000001")
    commercial = shown["categories"]["commercial"]
    assert {channel: said["value"] for channel, said in commercial["channels"].items()} == {
        "email": True,
        "sms": False,
        "push": True,
    }
    assert {said["time"] for said in commercial["channels"].values()} == {"2025-11-03T08:12:00.000000Z"}
    assert commercial["through"] == ["push"]
    preferences = {name: said["value"] for name, said in shown["preferences"].items() if said is not None}
    assert preferences == {"channels": ["push", "email"], "language": "de", "most_per_week": 2}
    assert imported.preferences("C2000003")["categories"]["commercial"]["reason"] == "suppression_list"


def test_a_column_that_says_nothing_is_no_statement(imported: Imported) -> None:
    about = [(event["identity"], event["data"]["channel"]) for event in imported.events_of("consents")]
    assert [channel for customer, channel in about if customer == "C2000003"] == ["email"]


def test_a_lead_enters_with_its_propensity_and_nobody_else_is_sent_anything(imported: Imported) -> None:
    """The first wants it; one has withdrawn, one is on a list, and the last is not likely enough to come."""
    persons = {imported.preferences(f"C200000{number}")["person_id"]: number for number in range(1, 5)}
    decided = [(persons[row["person_id"]], row["outcome"], row["reason"]) for row in imported.decisions()]
    assert sorted(decided) == [
        (1, "sent", "passed"),
        (2, "suppressed", "no_consent"),
        (3, "suppressed", "suppression_list"),
    ]
    [line] = (imported.output / "actions" / "push.ndjson").read_text().splitlines()
    action = json.loads(line)
    assert (persons[action["person_id"]], action["data"]) == (1, {"propensity": 0.82})


def test_importing_twice_folds_once(tmp_path: Path, imported: Imported) -> None:
    again = [convert(name, tmp_path)[0] for name in LISTS]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in imported.events]
    words = ("--workspace", imported.workspace, "--input", *imported.events, *again)
    summary = well("run", *words, "--output", tmp_path / "output", "--json").json()
    assert summary["duplicates"] == summary["folded"] == 16
    told = ("decisions", "actions", "profiles")
    once, twice = contents(imported.output), contents(tmp_path / "output")
    assert [twice[name] for name in told] == [once[name] for name in told]


def test_bad_rows_are_told_in_a_line_each_and_all_others_are_written(tmp_path: Path) -> None:
    log = tmp_path / "consents.csv"
    rows = (
        "C1;03.11.2025 09:12;yse;no;",
        ";03.11.2025 09:12;yes;;",
        "C3;3 November;yes;;",
        "C4;03.11.2025 09:12;yes",
        "C5;03.11.2025 09:12;yes;;",
    )
    log.write_text("customer;changed;mail;text;app\n" + "".join(f"{row}\n" for row in rows))
    events, table = convert("consents", tmp_path, log)
    assert [json.loads(line)["id"] for line in events.read_text().splitlines()] == [
        "C1:03.11.2025 09%3A12:sms",
        "C5:03.11.2025 09%3A12:email",
    ]
    rejected = tmp_path / "consents.ndjson.rejects.ndjson"
    rejects = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [(reject["line"], reject["column"]) for reject in rejects] == [
        (2, "mail"),
        (3, "customer"),
        (4, "changed"),
        (5, None),
    ]
    assert rejects[0]["reason"] == "expected one of yes, no, found 'yse'"
    # Four rows with three columns each, and one that could not be taken apart.
    told = ("rows_read", "events_written", "rows_left_out", "rows_rejected")
    assert [table[name] for name in told] == [13, 2, 7, 4]


def test_the_commands_of_the_page_work(tmp_path: Path) -> None:
    section = PAGE.read_text().partition("## Bringing consents along\n")[2]
    [commands] = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    program = f'cjaas() {{ "{sys.executable}" -m pipelines.cli.main "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-eu", "-c", program + commands],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for told in ("//shop.example/crm/consents", "//shop.example/preference-centre", "taken off it"):
        assert told in done.stdout
