"""`cjaas profile` and `cjaas profiles`: as of now, of later, of the past, and whom they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.timestamps import format_rfc3339, parse_rfc3339
from tests.pipelines.command_line import SHOP, cjaas, run_shop, well
from tests.pipelines.conftest import Firehose, Run

PAST = ("2026-01-01T09:00:00Z", "2026-01-03", "2026-01-04T17:23:11.5Z")


def listed(output: Path, *more: object) -> dict[str, dict[str, Any]]:
    """Every profile by person id."""
    lines = well("profiles", "--workspace", SHOP, "--output", output, *more).lines()
    return {profile["person_id"]: profile for profile in lines}


def facts(profiles: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What follows from the events alone, without what a journey wrote."""
    return {
        person: {
            "identities": profile["identities"],
            "attributes": {
                name: value for name, value in profile["attributes"].items() if name != "care_level"
            },
            "consents": profile["consents"],
        }
        for person, profile in profiles.items()
    }


def up_to(path: Path, as_of: str) -> bytes:
    """The lines of a file but the events after a time."""
    end_us = parse_rfc3339(f"{as_of}T00:00:00Z" if len(as_of) == 10 else as_of)
    kept = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            time_us = parse_rfc3339(json.loads(line)["time"])
        except (ValueError, TypeError, KeyError, RecursionError):
            continue
        if time_us <= end_us:
            kept.append(line)
    return b"".join(kept)


@pytest.mark.parametrize("as_of", PAST)
def test_a_past_time_shows_what_a_run_up_to_it_shows(
    firehose: Firehose, shop: Run, tmp_path: Path, as_of: str
) -> None:
    path = tmp_path / "events.ndjson"
    path.write_bytes(up_to(firehose.path, as_of))
    run_shop(tmp_path / "output", path)
    expected = listed(tmp_path / "output", "--as-of", as_of)
    found = listed(shop.output, "--as-of", as_of)
    assert len(expected) > 20
    assert facts(found) == facts(expected)
    assert {profile["as_of"] for profile in found.values()} == {expected[min(expected)]["as_of"]}


def test_what_a_journey_wrote_is_shown_since_it_was_last_written(shop: Run) -> None:
    query = "SELECT person_id, max(event_time) AS time FROM tape WHERE type = 'call_wrapped'"
    query += " AND data->>'reason' = 'COMPLAINT' GROUP BY person_id ORDER BY time LIMIT 1"
    row = well("sql", query, "--output", shop.output, "--json").json()
    person = row["person_id"]
    assert listed(shop.output)[person]["attributes"]["care_level"] == "complained"
    assert listed(shop.output, "--as-of", row["time"])[person]["attributes"]["care_level"] == "complained"
    before = listed(shop.output, "--as-of", format_rfc3339(parse_rfc3339(row["time"]) - 1)).get(person)
    assert before is None or "care_level" not in before["attributes"]


def test_a_later_time_empties_windows_and_keeps_what_lasts(shop: Run) -> None:
    now = listed(shop.output)
    later = listed(shop.output, "--as-of", "2027-06-01")
    assert now.keys() == later.keys()
    for person, profile in later.items():
        assert profile["identities"] == now[person]["identities"]
        assert profile["attributes"]["last_seen"] == now[person]["attributes"]["last_seen"]
        assert not profile["attributes"].keys() & {"items_in_cart", "activity", "calls", "spend_30d"}
    assert any("items_in_cart" in profile["attributes"] for profile in now.values())
    assert any("spend" in profile["attributes"] for profile in later.values())


def test_before_everything_there_is_nobody(shop: Run) -> None:
    assert listed(shop.output, "--as-of", "2020-01-01") == {}


def test_profiles_come_by_person_id_and_one_at_a_time_is_the_same(shop: Run) -> None:
    profiles = listed(shop.output)
    assert list(profiles) == sorted(profiles)
    past = ("--as-of", "2026-01-04")
    before = listed(shop.output, *past)
    person = next(person for person in before if before[person] != profiles[person])
    options = ("--workspace", SHOP, "--output", shop.output, "--json")
    assert well("profile", person, *options).json() == profiles[person]
    assert well("profile", person, *options, *past).json() == before[person]


def test_an_identity_names_the_person_however_it_is_spelled(shop: Run) -> None:
    profiles = listed(shop.output)
    # A person known by the address alone among the best ones: found by it, and by what else it was seen with.
    person, identity = next(
        (person, identity)
        for person, profile in profiles.items()
        for identity in profile["identities"]
        if identity.startswith("email:") and len(profile["identities"]) > 2
    )
    options = ("--workspace", SHOP, "--output", shop.output, "--json")
    assert well("profile", person, *options).json()["identities"].count(identity) == 1
    named = well("profile", identity.upper().replace("EMAIL:", "email: "), *options).json()
    assert identity in named["identities"]


def test_a_table_shows_a_profile_to_people(shop: Run) -> None:
    person, profile = next(
        (person, profile) for person, profile in listed(shop.output).items() if profile["journeys"]
    )
    table = well("profile", person, "--workspace", SHOP, "--output", shop.output).out
    for text in (person, profile["as_of"], *profile["identities"], *profile["attributes"]):
        assert text in table
    (journey, run), *_ = profile["journeys"].items()
    assert f"journey {journey}" in table
    assert f"waits until {run['waits_until']}" in table


def test_a_profile_has_the_actions_that_were_sent_newest_first(shop: Run) -> None:
    profiles = listed(shop.output)
    sent = {
        action["action_id"]: action
        for path in (shop.output / "actions").glob("*.ndjson")
        for action in map(json.loads, path.read_text().splitlines())
    }
    assert sent
    seen = set()
    for person, profile in profiles.items():
        contacts = [contact for contact in profile.get("contacts", ()) if not contact.get("held")]
        times = [contact["time"] for contact in contacts]
        assert times == sorted(times, reverse=True)
        for contact in contacts:
            action = sent[contact["action_id"]]
            assert action["person_id"] == person
            for name in ("journey", "step", "channel", "category"):
                assert contact[name] == action[name]
            assert parse_rfc3339(contact["time"]) == parse_rfc3339(action["decided_at"])
            seen.add(contact["action_id"])
    assert seen == sent.keys()
    person = next(iter(sent.values()))["person_id"]
    table = well("profile", person, "--workspace", SHOP, "--output", shop.output).out
    newest = profiles[person]["contacts"][0]
    assert f"{newest['journey']}/{newest['step']} by {newest['channel']}" in table
    assert newest["time"] in table


def test_a_contact_tells_what_came_of_it(firehose: Firehose, shop: Run, tmp_path: Path) -> None:
    path = min((shop.output / "actions").glob("*.ndjson"))
    action = json.loads(path.read_text().splitlines()[0])
    identities = dict(name.split(":", 1) for name in listed(shop.output)[action["person_id"]]["identities"])
    namespace = next(name for name in ("customer", "email", "phone", "cookie") if name in identities)
    answers = {"delivered": "2026-01-07T09:00:00Z", "opened": "2026-01-07T09:00:00.5Z"}
    lines = [
        json.dumps(
            {
                "specversion": "1.0",
                "id": kind,
                "source": "/channel",
                "type": f"action.{kind}",
                "time": time,
                "identitytype": namespace,
                "identity": identities[namespace],
                "data": {"action_id": action["action_id"]},
            }
        )
        for kind, time in reversed(answers.items())
    ]
    events = tmp_path / "events.ndjson"
    events.write_bytes(firehose.path.read_bytes() + "\n".join(lines).encode())
    run_shop(tmp_path / "output", events)
    words = ("profile", action["person_id"], "--workspace", SHOP, "--output", tmp_path / "output")
    contacts = well(*words, "--json").json()["contacts"]
    answered = next(contact for contact in contacts if contact["action_id"] == action["action_id"])
    assert {kind: parse_rfc3339(time) for kind, time in answered["responses"].items()} == {
        kind: parse_rfc3339(time) for kind, time in answers.items()
    }
    assert (
        f"{answered['journey']}/{answered['step']} by {answered['channel']}: delivered, opened"
        in well(*words).out
    )


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("email:x@example.com",), 1, "nobody has the identity email:x@example.com; see `cjaas profiles`"),
        (("0" * 32,), 1, f"nobody has the id {'0' * 32}; see `cjaas profiles` for all"),
        (("ann",), 2, "expected an identity such as email:ann@example.com, or a person id, found 'ann'"),
        (("fax:1",), 2, "fax:1: expected a namespace of customer, email, phone, cookie, found 'fax'"),
        (("email:ann",), 2, "identity email: expected a mail address, found 'ann'"),
        (("customer:",), 2, "identity customer: expected 1 to 320 characters without space, found ''"),
        (("cookie:k1", "--as-of", "monday"), 2, "found 'monday', or a date such as 2026-01-31"),
    ],
)
def test_whom_it_cannot_name_it_tells_in_a_line(
    shop: Run, words: tuple[str, ...], code: int, message: str
) -> None:
    done = cjaas("profile", *words, "--workspace", SHOP, "--output", shop.output)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_time_before_a_persons_first_event_is_told(shop: Run) -> None:
    person = next(iter(listed(shop.output)))
    done = cjaas("profile", person, "--workspace", SHOP, "--output", shop.output, "--as-of", "2020-01-01")
    assert done.err == f"cjaas: {person}: no event is known up to 2020-01-01T00:00:00.000000Z\n"
    assert (done.code, done.out) == (1, "")


def test_an_identity_of_several_persons_lists_them(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson"
    event = {
        "specversion": "1.0",
        "source": "/web",
        "type": "search_performed",
        "time": "2026-01-01T00:00:00Z",
        "previousidentity": "k1",
        "previousidentitytype": "cookie",
        "identitytype": "customer",
        "data": {"query": "lamp", "results": 1},
    }
    lines = [json.dumps({**event, "id": name, "identity": name}) for name in ("C1", "C2")]
    path.write_text("\n".join(lines))
    run_shop(tmp_path / "output", path)
    options = ("--workspace", SHOP, "--output", tmp_path / "output")
    done = cjaas("profile", "cookie:k1", *options)
    persons = sorted(listed(tmp_path / "output"))
    assert done.code == 1
    assert done.err == f"cjaas: cookie:k1 was seen with 2 persons: {', '.join(persons)}; name one of them\n"


def test_an_output_that_is_none_is_told(tmp_path: Path) -> None:
    for words in (("profiles",), ("profile", "cookie:k1"), ("explain", "x"), ("sql", "SELECT 1")):
        done = cjaas(*words, "--workspace", SHOP, "--output", tmp_path)
        assert (done.code, done.out) == (2, "")
        assert "found no summary.json in it; run `cjaas run` or `cjaas up` first" in done.err
        assert done.err.count("\n") == 1
