"""Heads of shards in Bigtable: read, replaced on a condition, acknowledged.

A head's cells carry a constant timestamp, so that a new head replaces the old one where it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import grpc

from schemas.store import NO_TOKEN
from sinks.bigtable_client import CheckAndMutateRowRequest, TableClient, newest_cells
from sinks.bigtable_errors import REFUSED, BigtableError, told
from sinks.bigtable_rows import ACKNOWLEDGED, HEAD_FAMILY, PAST, PAYLOAD, SEQUENCE, TOKEN, Keys

PAST_TOKENS: Final = 16
"""How many commits may follow one whose answer was lost until it can't be told whether it was applied."""

_TIMESTAMP_US: Final = 0
_METHOD: Final = "CheckAndMutateRow"


@dataclass(frozen=True, slots=True)
class HeadRow:
    """A head as it stands.

    Attributes:
        past: the tokens before this one, newest first, the first commit's being `NO_TOKEN`.
        acknowledged: whether the rows are written and the outbox is published.
        payload: None where it was not asked for.
    """

    sequence: int
    token: str
    past: tuple[str, ...]
    acknowledged: bool
    payload: bytes | None


NO_HEAD: Final = HeadRow(0, NO_TOKEN, (), acknowledged=True, payload=None)


class HeadRows:
    """The heads of one workspace."""

    def __init__(self, client: TableClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._whole = newest_cells(HEAD_FAMILY)
        self._small = newest_cells(HEAD_FAMILY, b"token|sequence|past|acknowledged")

    def read(self, shard: int, *, payload: bool) -> HeadRow:
        """The shard's head, with or without what it wrote; `NO_HEAD` before the first commit."""
        row_filter = self._whole if payload else self._small
        for rows in self._client.read_keys([self._keys.head(shard)], row_filter):
            cells = rows[0].cells
            token = cells[TOKEN]
            return HeadRow(
                sequence=int(cells[SEQUENCE]),
                token=token.decode(),
                past=tuple(cells[PAST].decode().split("\n")),
                acknowledged=cells.get(ACKNOWLEDGED) == token,
                payload=cells[PAYLOAD] if payload else None,
            )
        return NO_HEAD

    def replace(self, shard: int, head: HeadRow, new: HeadRow) -> bool:
        """Puts a head in another's place; False if that one does not stand any more.

        Where an answer is lost, the row tells: our token stands there or among those before, or another
        follows the one that we expected; if the expected one stands still, the attempt is repeated.

        Raises:
            BigtableError: it can't be told in time whether the head was replaced.
        """
        request = self._conditional(shard, head.token)
        chosen = request.true_mutations if head.token else request.false_mutations
        _set(chosen, TOKEN, new.token.encode())
        _set(chosen, SEQUENCE, b"%d" % new.sequence)
        _set(chosen, PAST, "\n".join(new.past).encode())
        assert new.payload is not None
        _set(chosen, PAYLOAD, new.payload)
        attempts = self._client.attempts(_METHOD)
        in_doubt = False
        while True:
            try:
                matched = self._client.check_and_mutate_row(request, attempts.timeout_seconds())
            except grpc.RpcError as error:
                if error.code() in REFUSED:
                    raise told(_METHOD, self._client.address.name, error) from error
                in_doubt = True
                why = f"{error.code().name}: {error.details()}"
            else:
                if matched is bool(head.token):
                    return True
                if not in_doubt:
                    return False
                why = "the head is another than the one that was read"
            settled = self._settled(shard, head.token, new.token)
            if settled is not None:
                return settled
            attempts.wait(why)

    def _settled(self, shard: int, expected: str, token: str) -> bool | None:
        """Whether a head that expected a token was put there; None while the expected one stands."""
        row = self.read(shard, payload=False)
        if row.token == token or token in row.past:
            return True
        if row.token == expected:
            return None
        if expected in row.past:
            return False
        raise BigtableError(
            f"{self._client.address.name}: shard {shard} has moved on by more than {PAST_TOKENS} commits"
            " since a commit whose answer was lost: read the head and advance the batch again"
        )

    def acknowledge(self, shard: int, token: str) -> bool:
        """Marks the head that has this token as done; False if another stands there."""
        request = self._conditional(shard, token)
        _set(request.true_mutations, ACKNOWLEDGED, token.encode())
        attempts = self._client.attempts(_METHOD)
        while True:
            try:
                return self._client.check_and_mutate_row(request, attempts.timeout_seconds())
            except grpc.RpcError as error:
                attempts.wait_after(error)

    def _conditional(self, shard: int, token: str) -> Any:
        """A request whose predicate matches the token, or any token for `NO_TOKEN`."""
        request = CheckAndMutateRowRequest(
            row_key=self._keys.head(shard), predicate_filter=newest_cells(HEAD_FAMILY, TOKEN)
        )
        if token:
            value = token.encode()
            same = request.predicate_filter.chain.filters.add().value_range_filter
            same.start_value_closed = value
            same.end_value_closed = value
        return request


def followed_by(head: HeadRow) -> tuple[str, ...]:
    """The tokens before the next head."""
    return (head.token, *head.past)[:PAST_TOKENS]


def _set(mutations: Any, qualifier: bytes, value: bytes) -> None:
    cell = mutations.add().set_cell
    cell.family_name = HEAD_FAMILY
    cell.column_qualifier = qualifier
    cell.timestamp_micros = _TIMESTAMP_US
    cell.value = value
