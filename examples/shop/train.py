"""Trains the model `buys_soon` on a run of the shop: who orders within a week, by the profile before it.

.venv/bin/python examples/shop/train.py out/shop examples/shop/buys_soon.pickle --as-of 2026-01-20

What it learns from are the attributes of `cjaas profiles --as-of`, so that the model is asked about the same
values as it was taught. Needs `pip install cjaas[models]`.
"""

from __future__ import annotations

import argparse
import json
import pickle
import subprocess
import sys
from pathlib import Path

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

INPUTS = ("activity", "searches_2d", "products_viewed", "cart_value", "orders", "spend_30d", "calls_7d")
"""As `models` in workspace.yaml has them."""
BUYERS = """
SELECT DISTINCT person_id FROM tape WHERE type IN ('purchase', 'store_purchase')
AND event_time > TIMESTAMPTZ '{0}' AND event_time <= TIMESTAMPTZ '{0}' + INTERVAL 7 DAY
"""


def main() -> None:
    """Writes the model, and prints how many persons it has learnt from."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("output", help="what cjaas run wrote")
    parser.add_argument("model", type=Path, help="the file to write")
    parser.add_argument("--as-of", required=True, metavar="TIME", help="a date or RFC 3339 time")
    parser.add_argument("--workspace", default=str(Path(__file__).parent), metavar="DIR")
    arguments = parser.parse_args()
    where = ["--workspace", arguments.workspace, "--output", arguments.output]
    as_of = arguments.as_of if "T" in arguments.as_of else f"{arguments.as_of}T00:00:00Z"
    profiles = _rows(["profiles", "--as-of", arguments.as_of, *where])
    buyers = {row["person_id"] for row in _rows(["sql", BUYERS.format(as_of), "--json", *where])}
    inputs = [[float(row["attributes"].get(name) or 0) for name in INPUTS] for row in profiles]
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(inputs, [row["person_id"] in buyers for row in profiles])
    arguments.model.write_bytes(pickle.dumps(model))
    bought = sum(row["person_id"] in buyers for row in profiles)
    told = f"{len(profiles)} persons, {bought} of whom ordered in the week after"
    sys.stdout.write(f"{told}; written to {arguments.model}\n")


def _rows(words: list[str]) -> list[dict]:
    """What a cjaas command prints, a JSON object a line."""
    command = [sys.executable, "-m", "pipelines.cli.main", *words]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


if __name__ == "__main__":
    main()
