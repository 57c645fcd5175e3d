"""Answers the actions of a run, as channel services and persons would: delivered, opened, clicked and so on.

.venv/bin/python examples/shop/answer.py out/shop out/answers.ndjson

Who answers what follows from the action's id, so that the same run gets the same answers. An event names a
person by an identity; it is taken from the tape.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

IDENTITIES = "SELECT person_id, min(identities[1]) AS identity FROM tape GROUP BY person_id"
OPENED_PERCENT = {"web": 70, "email": 35, "push": 25, "sms": 20, "walk_in": 30}
"""Of the actions that arrive; nobody opens what an agent or a tool gets."""
CLICKED_PERCENT = 40
"""Of those that were opened; half of the others are dismissed where a page shows them."""
FAILED_PERCENT = 3


def main() -> None:
    """Writes the answers, and prints how many."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", type=Path, help="what cjaas run wrote")
    parser.add_argument("answers", type=Path, help="the file to write, one event a line")
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "pipelines.cli.main", "sql", IDENTITIES]
    command += ["--output", str(arguments.output), "--json"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    identities = {row["person_id"]: row["identity"] for row in map(json.loads, listed)}
    ends = datetime.fromisoformat(json.loads((arguments.output / "summary.json").read_text())["as_of"])
    counts: dict[str, int] = {}
    with arguments.answers.open("w") as file:
        for path in sorted((arguments.output / "actions").glob("*.ndjson")):
            for action in map(json.loads, path.read_text().splitlines()):
                for kind, time in _answers(action):
                    if time > ends or "nominee" in action:
                        continue
                    event = _event(action["action_id"], kind, time, identities[action["person_id"]])
                    file.write(f"{json.dumps(event)}\n")
                    counts[kind] = counts.get(kind, 0) + 1
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(counts.items()))
    sys.stdout.write(f"{told}; written to {arguments.answers}\n")


def _answers(action: dict[str, Any]) -> Iterator[tuple[str, datetime]]:
    """What comes of an action, and when."""
    decided = datetime.fromisoformat(action["decided_at"])
    channel = action["channel"]
    # Four numbers below 100 that follow from the id.
    arrives, opens, goes_on, minutes = (
        int(action["action_id"][place : place + 8], 16) % 100 for place in (0, 8, 16, 24)
    )
    if arrives < FAILED_PERCENT:
        yield "failed", decided + timedelta(seconds=20)
        return
    yield "delivered", decided + timedelta(seconds=20)
    opened = decided + timedelta(minutes=1 + minutes)
    if opens >= OPENED_PERCENT.get(channel, 0):
        return
    yield "opened", opened
    if goes_on < CLICKED_PERCENT:
        yield "clicked", opened + timedelta(seconds=15)
    elif channel == "web" and goes_on % 2:
        yield "dismissed", opened + timedelta(seconds=5)


def _event(action_id: str, kind: str, time: datetime, identity: str) -> dict[str, Any]:
    namespace, _, value = identity.partition(":")
    return {
        "specversion": "1.0",
        "id": f"{action_id}-{kind}",
        "source": "https://shop.example/channels",
        "type": f"action.{kind}",
        "time": time.isoformat().replace("+00:00", "Z"),
        "identitytype": namespace,
        "identity": value,
        "data": {"action_id": action_id},
    }


if __name__ == "__main__":
    main()
