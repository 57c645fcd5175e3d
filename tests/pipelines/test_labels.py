"""The golden list of the job's step labels: a label that changes breaks a job that is updated."""

from __future__ import annotations

import ast
from pathlib import Path

import apache_beam as beam

from pipelines.journey import JourneyConfig, JourneySinks, build
from schemas.workspace import load_workspace
from sinks.action_files import FilePublisher
from sinks.dead_letter_files import DeadLetterFiles
from sinks.event_files import EventFiles
from sinks.parquet_tape import ParquetTape
from sinks.sqlite_profiles import SqliteProfiles
from tests.pipelines.command_line import ROOT, SHOP
from tests.pipelines.golden import INPUT

LABELS = [
    "AdvanceProfiles",
    "AdvanceProfiles/Advance",
    "AdvanceProfiles/GroupByShard",
    "AppendTape",
    "AppendTape/Append",
    "DecodeEvents",
    "DecodeEvents/Decode",
    "GreatestPublishTime",
    "GreatestPublishTime/OfAll",
    "GreatestPublishTime/OfBatch",
    "KeepDeadLetters",
    "KeepDeadLetters/Append",
    "ReadEvents",
    "ReadEvents/ListSplits",
    "ReadEvents/ReadSplit",
    "ShardEvents",
    "ShardEvents/GroupBatch",
]


def test_the_labels_of_the_journey_job(tmp_path: Path) -> None:
    sinks = JourneySinks(
        ParquetTape(tmp_path / "tape"),
        DeadLetterFiles(tmp_path / "dead_letters"),
        SqliteProfiles(tmp_path / "profiles.sqlite"),
        FilePublisher(tmp_path),
    )
    pipeline = beam.Pipeline()
    build(pipeline, JourneyConfig(load_workspace(SHOP, {}), "1"), EventFiles((str(INPUT),)), sinks)
    proto = pipeline.to_runner_api()
    names = [
        step.unique_name
        for identifier, step in proto.components.transforms.items()
        if identifier not in proto.root_transform_ids
    ]
    # What stands within Beam's own steps is Beam's.
    assert sorted(name for name in names if name.count("/") < 2 and not name.startswith("_")) == LABELS


def test_every_step_has_a_literal_label_in_pascal_case() -> None:
    steps = 0
    for path in sorted([*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "transforms").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift)):
                continue
            label = node.left
            while isinstance(label, ast.BinOp) and isinstance(label.op, ast.BitOr):
                label = label.right
            if isinstance(label, ast.Constant) and isinstance(label.value, str):
                steps += 1
                assert label.value.isalpha(), f"{path}:{node.lineno}: {label.value}"
                assert label.value[0].isupper(), f"{path}:{node.lineno}: {label.value}"
            else:
                assert not _is_transform(node.right), f"{path}:{node.lineno}: a label that is no literal"
    assert steps >= len(LABELS)


def test_no_step_goes_without_a_label() -> None:
    for path in sorted([*(ROOT / "pipelines").rglob("*.py"), *(ROOT / "transforms").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
                assert not _is_transform(node.right), f"{path}:{node.lineno}: a step without a label"


def _is_transform(node: ast.expr) -> bool:
    """Whether an expression calls something of Beam's."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    while isinstance(called, ast.Attribute):
        called = called.value
    return isinstance(called, ast.Name) and called.id == "beam"
