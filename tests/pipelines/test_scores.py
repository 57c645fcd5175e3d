"""A model that is trained on a run's tape, and ranks journeys in the next."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines.command_line import ROOT, SHOP, cjaas, well

PAGE = (ROOT / "docs" / "policy.md").read_text()
JOURNEY = """\
name: {name}
version: 1
category: commercial
priority: 30
propensity: {propensity}
entry: {{event: cart_added, cooldown: 30d}}
steps: [{{send: show, channel: web, template: {name}}}]
"""


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The shop with the page's model, and a run of the shop without it."""
    folder = tmp_path_factory.mktemp("scores")
    workspace, output = folder / "out" / "scored", folder / "out" / "shop"
    workspace.parent.mkdir()
    well("run", "--workspace", SHOP, "--input", SHOP / "events.ndjson.gz", "--output", output)
    (folder / "examples").symlink_to(ROOT / "examples")
    [commands] = [text for text in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S) if "train.py" in text]
    commands = commands.replace("python ", f"{sys.executable} ").replace("-r ", "-rL ")
    done = subprocess.run(["bash", "-ec", commands], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"\d+ persons, \d+ of whom ordered in the week after; written to \S+\n", done.stdout)
    [models] = [text for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S) if "models:" in text]
    settings = (workspace / "workspace.yaml").read_text()
    settings, windows = re.subn(r"arbitration: .*", "arbitration: {window: 30d}", settings)
    assert windows == 1
    (workspace / "workspace.yaml").write_text(f"{settings}\n{models}")
    (workspace / "messages.yaml").unlink()
    for path in (workspace / "journeys").iterdir():
        path.unlink()
    for name, propensity in (("safe", "{value: 0.05}"), ("sale", "{model: buys_soon}")):
        (workspace / "journeys" / f"{name}.yaml").write_text(JOURNEY.format(name=name, propensity=propensity))
    return workspace, output


def test_the_model_decides_who_gets_what(scored: tuple[Path, Path], tmp_path: Path) -> None:
    workspace, _ = scored
    output = tmp_path / "output"
    well("run", "--workspace", workspace, "--input", SHOP / "events.ndjson.gz", "--output", output)
    query = "SELECT journey, count(*) AS sent FROM decisions WHERE outcome = 'sent' GROUP BY journey"
    rows = well("sql", query, "--workspace", workspace, "--output", output, "--json").lines()
    sent = {row["journey"]: row["sent"] for row in rows}
    assert sent["sale"] > 10
    assert sent["safe"] > 10


def test_a_damaged_model_is_one_line(scored: tuple[Path, Path], tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(scored[0], workspace)
    (workspace / "buys_soon.pickle").write_bytes(b"nothing of the kind")
    output = tmp_path / "output"
    done = cjaas("run", "--workspace", workspace, "--input", SHOP / "events.ndjson.gz", "--output", output)
    assert done.code == 1
    [line] = done.err.strip().splitlines()
    assert "model buys_soon: expected a scikit-learn classifier of 7 inputs" in line
    assert not output.exists()
