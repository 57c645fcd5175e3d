"""Decoders in a worker of many threads: one serves them all, and decodes as it does for one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest
from apache_beam.internal import pickler

from schemas.avro import EventSchema
from schemas.workspace import Workspace
from tests.firehoses import PLAN, batch_of, pour, shop
from transforms.core.decode import DecodedBatch, Decoder
from transforms.decode_events import _Decode

THREADS = 8


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return shop()


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def test_threads_decode_as_one_does_and_compile_once(
    workspace: Workspace, many_switches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, _ = pour(workspace, replace(PLAN, events=500))
    batch = batch_of(lines)
    alone = Decoder(workspace, "1").decode(batch)
    assert len(alone.events) > 400
    assert alone.dead_letters
    shared = Decoder(workspace, "1")
    compiled: list[str] = []
    compile_one = shared._compile

    def noted(schema: EventSchema) -> Any:
        compiled.append(schema.name)
        return compile_one(schema)

    monkeypatch.setattr(shared, "_compile", noted)
    ready = Barrier(THREADS)

    def decode(_: int) -> DecodedBatch:
        ready.wait()
        return shared.decode(batch)

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(decoded == alone for decoded in pool.map(decode, range(THREADS)))
    assert len(compiled) == len(set(compiled)) > 1


def test_the_threads_of_a_worker_share_a_decoder(workspace: Workspace) -> None:
    sent = pickler.dumps(_Decode(workspace, "1", None))
    decoders: list[Any] = []
    for _ in range(2):
        instance = pickler.loads(sent)
        instance.setup()
        decoders.append(instance._decoder)
    assert decoders[0] is decoders[1] is not None
