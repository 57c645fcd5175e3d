"""`cjaas explain`: why an action was sent, or why nothing was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.stores import journal_of
from schemas.store import OutboundAction
from sinks.decision_files import write_decisions
from sinks.live_publisher import expired_decision
from tests.pipelines.command_line import SHOP, cjaas, well
from tests.pipelines.conftest import Run


def decided(shop: Run, condition: str) -> dict[str, Any]:
    """The first decision that a condition holds for."""
    query = f"SELECT * FROM decisions WHERE {condition} ORDER BY as_of LIMIT 1"
    row: dict[str, Any] = well("sql", query, "--output", shop.output, "--json").json()
    return row


def explain(shop: Run, *words: object) -> list[str]:
    return well("explain", *words, "--workspace", SHOP, "--output", shop.output).out.splitlines()


def test_an_action_is_explained_by_the_tests_it_passed(shop: Run) -> None:
    decision = decided(shop, "outcome = 'sent' AND journey = 'repeated_search'")
    [line] = explain(shop, decision["action_id"])
    assert line.startswith(decision["as_of"].replace(".000000Z", "Z")[:19])
    assert (
        f"journey repeated_search (version 1) sent step offer_advice to person {decision['person_id']} "
        f"as action {decision['action_id']}, because it passed every gate (searches_2d >= 3: yes, found "
    ) in line
    assert "not last_purchase within 2d: yes, found nothing" in line
    cause = decision["cause"]
    assert f"It goes back to search_performed {cause['event_id']} from {cause['source']} at 2026-01-0" in line


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("condition_not_met", "(suppressed at gate condition), because its condition did not hold ("),
        ("no_address", "(suppressed at gate address), because the person has no address for the channel ("),
        ("cooldown", "(suppressed at gate reentry), because its cooldown was not over ("),
        ("exited", "(suppressed at gate reentry), because an exit event ended the journey first ("),
    ],
)
def test_what_was_not_sent_is_explained_by_its_gate(shop: Run, reason: str, words: str) -> None:
    decision = decided(shop, f"reason = '{reason}'")
    lines = explain(shop, "--person", decision["person_id"])
    assert any(words in line and decision["cause"]["event_id"] in line for line in lines)


def test_a_person_is_explained_from_the_oldest_decision_on(shop: Run) -> None:
    row = well(
        "sql",
        "SELECT person_id, count(*) AS n FROM decisions GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1",
        "--output",
        shop.output,
        "--json",
    ).json()
    lines = explain(shop, "--person", row["person_id"])
    assert len(lines) == row["n"] > 3
    assert lines == sorted(lines, key=lambda line: line[:19])


def test_an_identity_names_the_person(shop: Run) -> None:
    action = json.loads((shop.output / "actions" / "email.ndjson").read_text().splitlines()[0])
    [profile] = [
        profile
        for profile in well("profiles", "--workspace", SHOP, "--output", shop.output).lines()
        if profile["person_id"] == action["person_id"]
    ]
    best = next(name for name in profile["identities"] if name.startswith("customer:"))
    assert explain(shop, "--person", best) == explain(shop, "--person", action["person_id"])


def test_json_gives_whole_decisions(shop: Run) -> None:
    decision = decided(shop, "outcome = 'sent'")
    options = ("--workspace", SHOP, "--output", shop.output, "--json")
    found = well("explain", decision["action_id"], *options).json()
    assert found["decision_id"] == decision["decision_id"]
    assert found["cause"]["event_id"] == decision["cause"]["event_id"]
    assert found["evidence"] == json.loads(decision["evidence"])


def test_an_action_that_expired_is_explained_by_its_id(shop: Run, tmp_path: Path) -> None:
    decision = decided(shop, "outcome = 'sent' AND journey = 'repeated_search'")
    with journal_of(shop.output) as journal:
        [sent] = journal.decisions_of_action(decision["action_id"])
    action = OutboundAction("web", decision["action_id"], b'{"expires_at":"2026-01-09T00:00:00Z"}')
    (tmp_path / "summary.json").touch()
    (tmp_path / "decisions").mkdir()
    write_decisions(tmp_path / "decisions" / "1.parquet", [expired_decision(sent, action)])
    line = well("explain", decision["action_id"], "--output", tmp_path).out
    assert (
        f"did not send step offer_advice to person {decision['person_id']} as action {decision['action_id']} "
        "(expired), because it passed every gate, but had expired before it could be published (searches_2d"
    ) in line
    assert "; expires at 2026-01-09T00:00:00Z). It goes back to search_performed" in line


def test_a_person_without_decisions_is_told(shop: Run) -> None:
    query = "SELECT person_id FROM profiles ANTI JOIN decisions USING (person_id) ORDER BY 1 LIMIT 1"
    person = well("sql", query, "--output", shop.output, "--json").json()["person_id"]
    assert explain(shop, "--person", person) == [
        f"No decision was made about {person}: no event of theirs enters a journey."
    ]
    options = ("--workspace", SHOP, "--output", shop.output, "--json")
    assert well("explain", "--person", person, *options).out == ""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ((), 2, "explain: expected an ACTION_ID or --person IDENTITY, found neither"),
        (("a", "--person", "cookie:k1"), 2, "expected an ACTION_ID or --person IDENTITY, found both"),
        (("a'b",), 1, "a'b: no decision in "),
        (("--person", "cookie:nobody"), 1, "nobody has the identity cookie:nobody"),
    ],
)
def test_what_it_does_not_know_it_tells_in_a_line(
    shop: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    done = cjaas("explain", *words, "--workspace", SHOP, "--output", shop.output)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1
