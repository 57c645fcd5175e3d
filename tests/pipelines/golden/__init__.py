"""Fifty events written by hand, and all that the job makes of them.

`python -m tests.pipelines.golden --write` writes the expected files anew; read their difference before
committing it.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.pipelines.command_line import SHOP, run_shop, summary_of, well

FOLDER = Path(__file__).parent
INPUT = FOLDER / "input.ndjson"
EXPECTED = FOLDER / "expected"
CHANNELS = ("agent_desktop", "email", "push", "sms", "walk_in", "web", "webhook")

# The payload is compared with the input's lines by a test of its own.
_TAPE = "SELECT * EXCLUDE (workspace, payload) FROM {view} ORDER BY source, event_id, message_id"
_DECISIONS = "SELECT * FROM decisions ORDER BY as_of, decision_id"


def observe(output: Path) -> dict[str, str]:
    """What a run left, by the name of the expected file."""
    where = ("--output", output)
    found = {
        "tape_raw.ndjson": well("sql", _TAPE.format(view="tape_raw"), *where, "--json").out,
        "tape.ndjson": well("sql", _TAPE.format(view="tape"), *where, "--json").out,
        "decisions.ndjson": well("sql", _DECISIONS, *where, "--json").out,
        "profiles.ndjson": well("profiles", *where, "--workspace", SHOP).out,
        "summary.json": json.dumps(summary_of(output), indent=2) + "\n",
        "dead_letters.ndjson": _joined(output / "dead_letters"),
    }
    for channel in CHANNELS:
        found[f"actions_{channel}.ndjson"] = (output / "actions" / f"{channel}.ndjson").read_text()
    return found


def _joined(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.glob("*.ndjson")))


def write() -> None:
    """Writes the expected files."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        run_shop(output, INPUT)
        EXPECTED.mkdir(exist_ok=True)
        for name, text in observe(output).items():
            (EXPECTED / name).write_text(text)
