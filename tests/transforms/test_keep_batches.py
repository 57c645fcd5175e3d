"""What the tape refuses is counted, kept as a dead letter, and not handed on to the fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam

from pipelines.local_runner import run_bounded
from schemas.dead_letter import DeadLetterError
from schemas.event import Event
from schemas.message import MessageBatch
from schemas.streams import Rejected
from schemas.workspace import load_workspace
from sinks.dead_letter_files import DeadLetterFiles
from tests.messages import NOW_US
from transforms.core.decode import DecodedBatch
from transforms.decode_events import DecodeEvents
from transforms.keep_batches import AppendTape, KeepDeadLetters

SHOP = Path(__file__).parents[2] / "examples" / "shop"
BODY = (
    b'{"specversion":"1.0","id":"%d","source":"/web","type":"page_viewed","identity":"c1",'
    b'"identitytype":"cookie","data":%s}'
)


@dataclass(frozen=True)
class FussyTape:
    """Refuses every third event, and says by a file that it was closed."""

    folder: Path

    def append(self, origin: str, events: Sequence[Event], workspace: str) -> list[Rejected]:
        return [Rejected(index, "a third") for index in range(0, len(events), 3)]

    def close(self) -> None:
        (self.folder / "closed").touch()


def test_refused_events_are_counted_kept_and_not_handed_on(tmp_path: Path) -> None:
    workspace = load_workspace(SHOP, {})
    payloads = [BODY % (number, b'{"url":"/","device":"APP"}') for number in range(7)]
    payloads.append(b"no event")
    names = [f"f@{number}" for number in range(8)]
    batch = MessageBatch("f@0", payloads, names, [None] * 8, [NOW_US] * 8)

    def write(batch: DecodedBatch) -> None:
        ids = " ".join(event.event_id for event in batch.events)
        (tmp_path / "handed_on").write_text(f"{ids}, {len(batch.dead_letters)}")

    def build(pipeline: beam.Pipeline) -> None:
        batches = pipeline | "Read" >> beam.Create([batch]).with_output_types(MessageBatch)
        decoded = batches | "Decode" >> DecodeEvents(workspace, "9")
        kept = decoded | "AppendTape" >> AppendTape(FussyTape(tmp_path), workspace, "9")
        _ = kept | "KeepDeadLetters" >> KeepDeadLetters(DeadLetterFiles(tmp_path / "dead_letters"))
        _ = kept | "Write" >> beam.Map(write)

    counters = run_bounded(build)
    assert (tmp_path / "handed_on").read_text() == "1 2 4 5, 4"
    assert (counters["read"], counters["valid"]) == (8, 4)
    assert counters["dead_letters:refused_by_tape"] == 3
    assert counters["dead_letters:invalid_json"] == 1
    letters = list(DeadLetterFiles(tmp_path / "dead_letters").read())
    assert [letter.payload for letter in letters] == [payloads[7], payloads[0], payloads[3], payloads[6]]
    assert [letter.error for letter in letters[1:]] == [DeadLetterError.REFUSED_BY_TAPE] * 3
    assert {letter.pipeline_version for letter in letters} == {"9"}
    assert (tmp_path / "closed").exists()
