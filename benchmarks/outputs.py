"""What stands in an output directory: counts, and digests that are equal where the contents are.

Run as `python -m benchmarks.outputs DIR`; prints one JSON object. Everything is counted in the files
themselves, but for the number of folded events, which no file shows.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from sinks.dead_letter_files import DeadLetterFiles
from sinks.sqlite_profiles import SqliteProfiles
from transforms.core.profile import decode_image, encode_image


def contents(output: Path) -> dict[str, Any]:
    """Counts and digests of an output; the digests depend on no order and on no commit's sequence."""
    tape = _columns(output / "tape", ["source", "event_id", "person_id"])
    decisions = _columns(output / "decisions", ["decision_id", "outcome"])
    letters = list(DeadLetterFiles(output / "dead_letters").read())
    actions = {path.stem: _action_ids(path) for path in sorted((output / "actions").glob("*.ndjson"))}
    store = SqliteProfiles(output / "profiles.sqlite", read_only=True)
    profiles = [encode_image(decode_image(image), 0, {}) for _, image in store.scan()]
    store.close()
    return {
        "events": len(tape) + len(letters),
        "valid": len(tape),
        "dead_letters": dict(sorted(Counter(letter.error.value for letter in letters).items())),
        "folded": json.loads((output / "summary.json").read_bytes())["folded"],
        "profiles": len(profiles),
        "decisions": dict(sorted(Counter(outcome for _, outcome in decisions).items())),
        "actions": {channel: len(ids) for channel, ids in actions.items()},
        "tape_digest": _digest("\n".join(row).encode() for row in tape),
        "profiles_digest": _digest(profiles),
        "decisions_digest": _digest(decision_id.encode() for decision_id, _ in decisions),
        "actions_digest": _digest(action_id.encode() for ids in actions.values() for action_id in ids),
    }


def _columns(folder: Path, names: list[str]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for path in sorted(folder.rglob("*.parquet")):
        table = pq.ParquetFile(path).read(names)
        rows += zip(*(table.column(name).to_pylist() for name in names), strict=True)
    return rows


def _action_ids(path: Path) -> list[str]:
    with path.open("rb") as lines:
        return [msgspec.json.decode(line)["action_id"] for line in lines]


def _digest(parts: Iterable[bytes]) -> str:
    total = 0
    for part in parts:
        total += int.from_bytes(blake2b(part, digest_size=16).digest(), "big")
    return f"{total % (1 << 128):032x}"


if __name__ == "__main__":
    print(json.dumps(contents(Path(sys.argv[1]))))
