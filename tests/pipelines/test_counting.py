"""Every input is counted out again: the summary against the files and against what the generator knows."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tests.pipelines.command_line import SHOP, database, well
from tests.pipelines.conftest import Firehose, Run

LATE = "publish_time > event_time + INTERVAL 24 HOURS"


def ask(run: Run, query: str) -> list[Any]:
    return [tuple(row.values()) for row in well("sql", query, "--output", run.output, "--json").lines()]


def test_everything_read_is_valid_or_a_dead_letter(firehose: Firehose, shop: Run) -> None:
    summary = shop.summary
    assert summary["events"] == firehose.tally["events"] == 3000
    assert summary["events"] == summary["valid"] + sum(summary["dead_letters"].values())
    assert summary["valid"] == firehose.tally["valid"]


def test_every_fault_is_a_dead_letter_of_its_error(firehose: Firehose, shop: Run) -> None:
    counted = dict(ask(shop, "SELECT error, count(*) FROM dead_letters GROUP BY error"))
    assert counted == shop.summary["dead_letters"] == firehose.tally["errors"]
    assert sum(counted.values()) > 50


def test_valid_events_are_rows_of_the_view_and_duplicates(firehose: Firehose, shop: Run) -> None:
    [(rows,)] = ask(shop, "SELECT count(*) FROM tape_raw")
    [(events,)] = ask(shop, "SELECT count(*) FROM tape")
    assert rows == shop.summary["valid"]
    assert rows - events == shop.summary["duplicates"] == firehose.tally["duplicates"] > 50
    by_type = dict(ask(shop, "SELECT type, count(*) FROM tape GROUP BY type"))
    assert by_type == {name: count for name, count in firehose.tally["types"].items() if count}


def test_every_message_is_on_the_tape_or_in_the_dead_letters_once(firehose: Firehose, shop: Run) -> None:
    offset = 0
    sent = []
    for line in firehose.path.read_bytes().splitlines(keepends=True):
        sent.append(f"events.ndjson@{offset}")
        offset += len(line)
    query = "SELECT message_id FROM tape_raw UNION ALL SELECT message_id FROM dead_letters"
    assert Counter(message_id for (message_id,) in ask(shop, query)) == Counter(sent)


def test_late_events_stand_on_the_tape_and_are_counted(firehose: Firehose, shop: Run) -> None:
    [(late,)] = ask(shop, f"SELECT count(*) FROM tape_raw WHERE {LATE}")
    assert late == shop.summary["late"] == firehose.tally["late"] > 50


def test_folded_are_the_events_of_the_view_that_are_not_late(shop: Run) -> None:
    [(in_time,)] = ask(shop, f"SELECT count(*) FROM tape WHERE NOT ({LATE})")
    assert in_time == shop.summary["folded"]
    assert (shop.summary["conflicts"], shop.summary["below_floor"], shop.summary["overflown"]) == (0, 0, 0)


def test_there_is_a_profile_for_each_person_with_an_event_in_time(firehose: Firehose, shop: Run) -> None:
    [(persons,)] = ask(shop, f"SELECT count(DISTINCT person_id) FROM tape WHERE NOT ({LATE})")
    listed = well("profiles", "--workspace", SHOP, "--output", shop.output).lines()
    assert len(listed) == persons == shop.summary["profiles"] == firehose.tally["best_identities"]


def test_decisions_and_actions_are_counted_as_they_stand(shop: Run) -> None:
    decided = dict(ask(shop, "SELECT outcome, count(*) FROM decisions GROUP BY outcome"))
    assert decided == shop.summary["decisions"]
    published = [
        json.loads(line)
        for path in (shop.output / "actions").iterdir()
        for line in path.read_text().splitlines()
    ]
    assert Counter(action["channel"] for action in published) == shop.summary["actions"]
    sent = ask(shop, "SELECT action_id FROM decisions WHERE outcome = 'sent'")
    assert sorted(action["action_id"] for action in published) == sorted(action_id for (action_id,) in sent)
    assert len(published) == decided["sent"] > 20


def test_the_run_ends_at_the_greatest_publish_time_of_a_valid_event(shop: Run) -> None:
    [(greatest,)] = ask(shop, "SELECT max(publish_time) FROM tape_raw")
    assert shop.summary["as_of"] == greatest


def test_every_wait_that_was_due_has_ended(shop: Run) -> None:
    [(ended_us,)] = ask(shop, "SELECT epoch_us(max(publish_time)) FROM tape_raw")
    waits = [time_us for _, time_us, _ in database(shop.output)["due"]]
    assert waits
    assert min(waits) > ended_us
