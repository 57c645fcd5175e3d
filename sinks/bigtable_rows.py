"""The rows of a Bigtable profile table: keys and columns.

Three kinds of rows share one table, each with a family of its own:

- profile `WORKSPACE#PERSON_ID`: the image, and beside it the person's current due time;
- head `WORKSPACE!head!SHARD`: the shard's last commit;
- due `WORKSPACE!due!SHARD!TIME!PERSON_ID`: nothing but its key.
"""

from __future__ import annotations

from typing import Final

from schemas.store import DueRow

PROFILE_FAMILY: Final = "p"
HEAD_FAMILY: Final = "h"
DUE_FAMILY: Final = "d"
FAMILIES: Final = (PROFILE_FAMILY, HEAD_FAMILY, DUE_FAMILY)

IMAGE: Final = b"image"
DUE_TIME: Final = b"due"
"""The person's due time as a decimal number of microseconds, empty for none."""

TOKEN: Final = b"token"
SEQUENCE: Final = b"sequence"
PAST: Final = b"past"
"""The tokens before this one, newest first."""
PAYLOAD: Final = b"payload"
ACKNOWLEDGED: Final = b"acknowledged"
"""The token of the newest commit whose rows are written and whose outbox is published."""

PENDING: Final = b""
"""The column of a due row."""

_TIME_OFFSET_US: Final = 10**18
_LATEST_US: Final = _TIME_OFFSET_US - 1
_RESERVED: Final = frozenset("!#\n")


class Keys:
    """Row keys of one workspace.

    Raises:
        ValueError: the workspace's name holds a separator.
    """

    def __init__(self, workspace: str) -> None:
        if not workspace or _RESERVED & set(workspace):
            raise ValueError(f"{workspace!r} can't name a workspace: expected a name without '!' and '#'")
        self.profiles = f"{workspace}#".encode()
        self.profiles_end = f"{workspace}$".encode()
        self.heads = f"{workspace}!head!".encode()
        self.dues = f"{workspace}!due!".encode()

    def profile(self, person_id: str) -> bytes:
        """The row of a person."""
        return self.profiles + person_id.encode()

    def person_id(self, key: bytes) -> str:
        """The person of a profile's row."""
        return key[len(self.profiles) :].decode()

    def head(self, shard: int) -> bytes:
        """The row of a shard's head."""
        return b"%b%06d" % (self.heads, shard)

    def due(self, shard: int, row: DueRow) -> bytes:
        """The row of a wait.

        Raises:
            ValueError: the time lies more than 10^18 µs from 1970.
        """
        if not -_TIME_OFFSET_US <= row.time_us <= _LATEST_US:
            raise ValueError(f"a due time of {row.time_us} µs is out of range: expected less than 10^18")
        return b"%b%06d!%019d!%b" % (
            self.dues,
            shard,
            row.time_us + _TIME_OFFSET_US,
            row.person_id.encode(),
        )

    def due_until(self, shard: int, until_us: int) -> tuple[bytes, bytes]:
        """The range of a shard's due rows up to a time, inclusive: first key, and the key after the last."""
        shards_own = b"%b%06d!" % (self.dues, shard)
        if until_us < -_TIME_OFFSET_US:
            return shards_own, shards_own
        end = min(until_us, _LATEST_US) + 1 + _TIME_OFFSET_US
        return shards_own, b"%b%019d" % (shards_own, end)

    def due_row(self, key: bytes) -> DueRow:
        """The wait of a due row."""
        _, _, _, time, person_id = key.decode().split("!", 4)
        return DueRow(int(time) - _TIME_OFFSET_US, person_id)


def encode_due_time(time_us: int | None) -> bytes:
    """What stands in the cell `DUE_TIME`."""
    return b"" if time_us is None else b"%d" % time_us


def decode_due_time(value: bytes | None) -> int | None:
    """The inverse of `encode_due_time`; None too for a person without the cell."""
    return int(value) if value else None
