"""The golden list of the job's step labels: a label that changes breaks a job that is updated."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines import backtest
from pipelines.backtest import BacktestSinks
from pipelines.journey import JourneyConfig, JourneySinks, build
from pipelines.wall_clock import wall_clock_us
from schemas.streams import Pulled
from schemas.workspace import load_workspace
from sinks.action_files import FilePublisher
from sinks.dead_letter_files import DeadLetterFiles
from sinks.decision_files import DecisionFiles
from sinks.event_files import EventFiles
from sinks.parquet_tape import ParquetTape
from sinks.sqlite_profiles import SqliteProfiles
from sinks.tape_files import TapeFiles
from tests.pipelines.command_line import ROOT, SHOP
from tests.pipelines.golden import INPUT
from transforms.read_events import ReadEvents
from transforms.read_messages import ReadMessages
from transforms.read_pubsub import ReadPubSub

SHARED = [
    "AppendTape",
    "AppendTape/Append",
    "DecodeEvents",
    "DecodeEvents/Decode",
    "KeepDeadLetters",
    "KeepDeadLetters/Append",
    "ReadEvents",
    "ShardEvents",
    "ShardEvents/GroupBatch",
]
BOUNDED = [
    "AdvanceProfiles",
    "AdvanceProfiles/Advance",
    "AdvanceProfiles/GroupByShard",
    "GreatestPublishTime",
    "GreatestPublishTime/OfAll",
    "GreatestPublishTime/OfBatch",
    "ReadEvents/ListSplits",
    "ReadEvents/ReadSplit",
]
RUNNING = [
    "FollowProfiles",
    "FollowProfiles/EveryShardOnce",
    "FollowProfiles/Follow",
    "FollowProfiles/Gather",
    "FollowProfiles/WithWakes",
]
BY_DATAFLOW = ["ReadEvents/Batch", "ReadEvents/Read"]
BY_LEASES = ["ReadEvents/ListReaders", "ReadEvents/Pull"]


class NoSubscription:
    """A subscription that is only named."""

    name = "none"

    def pull(self, max_messages: int, wait_seconds: float) -> Pulled:
        raise NotImplementedError

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        raise NotImplementedError

    def release(self, ack_ids: Sequence[str]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


def labels(folder: Path, source: Any, now_us: Callable[[], int] | None) -> list[str]:
    sinks = JourneySinks(
        ParquetTape(folder / "tape"),
        DeadLetterFiles(folder / "dead_letters"),
        SqliteProfiles(folder / "profiles.sqlite"),
        FilePublisher(folder),
    )
    pipeline = beam.Pipeline(options=PipelineOptions(streaming=now_us is not None))
    build(pipeline, JourneyConfig(load_workspace(SHOP, {}), "1", now_us), source, sinks)
    return labels_of(pipeline)


def labels_of(pipeline: beam.Pipeline) -> list[str]:
    proto = pipeline.to_runner_api()
    names = [
        step.unique_name
        for identifier, step in proto.components.transforms.items()
        if identifier not in proto.root_transform_ids
    ]
    # What stands within Beam's own steps is Beam's.
    return sorted(name for name in names if name.count("/") < 2 and not name.startswith("_"))


def test_the_labels_of_the_bounded_job(tmp_path: Path) -> None:
    assert labels(tmp_path, ReadEvents(EventFiles((str(INPUT),))), None) == sorted(SHARED + BOUNDED)


def test_the_labels_of_a_backtest(tmp_path: Path) -> None:
    sinks = BacktestSinks(
        DecisionFiles(tmp_path),
        DeadLetterFiles(tmp_path / "dead_letters"),
        SqliteProfiles(tmp_path / "profiles.sqlite"),
    )
    pipeline = beam.Pipeline()
    config = JourneyConfig(load_workspace(SHOP, {}), "1")
    backtest.build(pipeline, config, TapeFiles(tmp_path / "tape"), sinks)
    taping = {"AppendTape", "AppendTape/Append"}
    assert labels_of(pipeline) == sorted({*SHARED, *BOUNDED} - taping)


@pytest.mark.parametrize(
    ("source", "own"),
    [
        (ReadPubSub("projects/cjaas-test/subscriptions/shop"), BY_DATAFLOW),
        (ReadMessages(NoSubscription(), wall_clock_us), BY_LEASES),
    ],
)
def test_the_labels_of_the_running_job(tmp_path: Path, source: Any, own: list[str]) -> None:
    assert labels(tmp_path, source, wall_clock_us) == sorted(SHARED + RUNNING + own)


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
    assert steps >= len({*SHARED, *BOUNDED, *RUNNING})


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
