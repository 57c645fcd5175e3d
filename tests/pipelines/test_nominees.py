"""A run tells nominees, counts it, and explains it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.pipelines.command_line import well
from tests.workspaces import SETTINGS, write_workspace

RULES = "consents: {commercial: not_needed, advisory: not_needed}\nuse_cases: [{name: orders}]\n"
JOURNEY = """\
name: ordered
version: 1
category: operative
priority: 50
use_case: orders
entry: {event: purchase}
steps:
  - {send: thank, channel: email, template: thanks}
"""


def test_a_run_tells_nominees_and_explains_why(tmp_path: Path) -> None:
    head, _, tail = SETTINGS.partition("consents:")
    settings = f"{head}{RULES}{tail.partition(chr(10))[2]}"
    write_workspace(tmp_path / "shop", settings=settings, journeys={"ordered": JOURNEY})
    events = [
        ("contact.nominated", {"use_case": "orders", "namespace": "email", "value": "bea@example.com"}),
        ("purchase", {"total": "60.00", "currency": "EUR"}),
    ]
    lines = [
        {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "/shop",
            "type": kind,
            "time": f"2026-01-05T10:0{number}:00Z",
            "identitytype": "email",
            "identity": "ann@example.com",
            "data": data,
        }
        for number, (kind, data) in enumerate(events)
    ]
    given, output = tmp_path / "events.ndjson", tmp_path / "output"
    given.write_text("".join(json.dumps(line) + "\n" for line in lines))
    where = ("--workspace", tmp_path / "shop", "--output", output)
    summary = well("run", *where, "--input", given, "--json").json()
    assert (summary["decisions"], summary["actions"]) == ({"sent": 2}, {"email": 2})
    sent = [json.loads(line) for line in (output / "actions" / "email.ndjson").read_text().splitlines()]
    ann, bea = sorted(sent, key=lambda action: "nominee" in action)
    assert (ann["address"], bea["address"], bea["nominee"]) == ("ann@example.com", "bea@example.com", {})
    told = well("explain", bea["action_id"], *where).out
    assert told == (
        "2026-01-05T10:01:00Z: journey ordered (version 1) sent step thank to a nominee of person "
        f"{bea['person_id']} as action {bea['action_id']}, because the person wants them to be told as well "
        "(use case orders; nominated 2026-01-05T10:00:00.000000Z; source /shop; "
        f"sent with {ann['action_id']}). It goes back to purchase e1 from /shop at 2026-01-05T10:01:00Z.\n"
    )
    (tmp_path / "ordered.yaml").write_text(JOURNEY)
    journey = ("--workspace", tmp_path / "shop", "--journey", tmp_path / "ordered.yaml")
    timeline = well("simulate", *journey, "--input", given).out.splitlines()
    to_ann, to_bea = [line.partition("ordered ")[2] for line in timeline if "sends" in line]
    assert to_ann.startswith("sends thank by email: template thanks; validity, condition, reentry, ")
    assert to_bea.startswith(
        "sends thank to a nominee by email: template thanks; the person wants them to be told as well ("
    )
    profile = well("profile", "email:ann@example.com", *where, "--json").json()
    assert [contact["action_id"] for contact in profile["contacts"]] == [ann["action_id"]]
