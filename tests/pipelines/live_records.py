"""What a running job has left in its services, as a test reads it: past the job, from the emulators."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipelines.live_config import LiveConfig
from pipelines.live_services import dataset_of, profiles_of
from schemas.journal import Result
from schemas.workspace import Workspace
from sinks.bigquery_reading import BigQueryReading
from sinks.bigtable_client import TableClient
from sinks.bigtable_heads import HeadRows
from sinks.bigtable_rows import Keys
from sinks.sqlite_profiles import SqliteProfiles
from sinks.warehouse import Warehouse
from transforms.core.fold import prune
from transforms.core.plan import Plan
from transforms.core.profile import decode_image, facts


class Payloads(NamedTuple):
    """Different bodies of messages."""

    tape: set[bytes]
    dead_letters: set[bytes]


class Letter(NamedTuple):
    """What a dead letter keeps of its message, and why it was refused."""

    payload: bytes
    payload_sha256: str | None
    attributes: dict[str, str]
    error: str
    detail: str


@dataclass(frozen=True)
class LiveRecords:
    """Tape, dead letters and decisions in BigQuery, profiles and heads in Bigtable."""

    config: LiveConfig
    workspace: Workspace

    def received(self) -> tuple[int, int]:
        """How many different messages stand on the tape, and in the dead letters."""
        with BigQueryReading(dataset_of(self.config)) as reading:
            (tape,) = reading.sql("SELECT count(DISTINCT message_id) FROM tape_raw").rows
            (letters,) = reading.sql("SELECT count(DISTINCT message_id) FROM dead_letters").rows
        return tape[0], letters[0]

    def payloads(self) -> Payloads:
        """The different bodies on the tape, and in the dead letters."""
        with BigQueryReading(dataset_of(self.config)) as reading:
            return payloads_of(reading.sql)

    def letters(self) -> list[Letter]:
        """All dead letters."""
        columns = "payload, payload_base64, payload_sha256, TO_JSON_STRING(attributes), error, detail"
        with BigQueryReading(dataset_of(self.config)) as reading:
            rows = reading.sql(f"SELECT {columns} FROM dead_letters").rows
        return [
            Letter(_body(text, encoded), sha256, json.loads(attributes), error, detail)
            for text, encoded, sha256, attributes, error, detail in rows
        ]

    def facts(self) -> dict[str, bytes]:
        """Every person's facts."""
        return facts_of(self.images().items(), Plan(self.workspace))

    def images(self) -> dict[str, bytes]:
        """Every person's image."""
        store = profiles_of(self.config, self.workspace)
        try:
            return dict(store.scan())
        finally:
            store.close()

    def heads(self) -> dict[int, str]:
        """The token of each shard's last commit."""
        return {shard: token for shard, (token, _) in self._heads().items()}

    def is_published(self) -> bool:
        """Whether the outbox of each shard's last commit is out."""
        return all(acknowledged for _, acknowledged in self._heads().values())

    def _heads(self) -> dict[int, tuple[str, bool]]:
        """Token, and whether it is acknowledged, as the row says: a store would mend what it finds."""
        client = TableClient(profiles_of(self.config, self.workspace).address)
        try:
            rows = HeadRows(client, Keys(self.workspace.name))
            heads = {shard: rows.read(shard, payload=False) for shard in range(self.workspace.shards)}
        finally:
            client.close()
        return {shard: (head.token, head.acknowledged) for shard, head in heads.items()}

    def sent(self) -> set[str]:
        """The ids of the actions that decisions say were sent."""
        with BigQueryReading(dataset_of(self.config)) as reading:
            rows = reading.sql("SELECT action_id FROM decisions WHERE outcome = 'sent'").rows
        return {action_id for (action_id,) in rows}

    def decision_ids(self) -> set[str]:
        """The ids of all decisions."""
        with BigQueryReading(dataset_of(self.config)) as reading:
            return {row[0] for row in reading.sql("SELECT decision_id FROM decisions").rows}


def payloads_of(sql: Callable[[str], Result]) -> Payloads:
    """The different bodies on a tape, and in its dead letters, whichever way they are asked for."""
    tape = sql("SELECT DISTINCT payload FROM tape_raw").rows
    letters = sql("SELECT DISTINCT payload, payload_base64 FROM dead_letters").rows
    return Payloads(
        {payload for (payload,) in tape},
        {_body(text, encoded) for text, encoded in letters},
    )


def _body(text: str | None, encoded: str) -> bytes:
    return base64.b64decode(encoded) if text is None else text.encode()


def bounded_payloads(output: Path) -> Payloads:
    """The different bodies that a bounded run took, and those that it refused."""
    with Warehouse(output) as warehouse:
        return payloads_of(warehouse.sql)


def facts_of(images: Iterable[tuple[str, bytes]], plan: Plan) -> dict[str, bytes]:
    """The facts of each image."""
    found = {}
    for person_id, image in images:
        profile = decode_image(image)
        prune(profile, plan)
        found[person_id] = facts(profile)
    return found


def bounded_facts(output: Path, workspace: Workspace) -> dict[str, bytes]:
    """The facts of each person that a bounded run left."""
    store = SqliteProfiles(output / "profiles.sqlite", read_only=True)
    try:
        return facts_of(store.scan(), Plan(workspace))
    finally:
        store.close()
