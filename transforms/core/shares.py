"""Stable hashes of persons: who falls into which part, the same for ever and independent by salt."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

PARTS = 1 << 32


def part_of(person_id: str, salt: str) -> int:
    """Where a person falls, 0 to 2^32 - 1, uniform over persons and independent over salts."""
    digest = blake2b(f"{salt}\x1f{person_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def share_of(person_id: str, salt: str, percents: Sequence[float]) -> int | None:
    """Which of several shares a person falls into, by index; None for the rest of the hundred."""
    part = part_of(person_id, salt)
    end = 0.0
    for index, percent in enumerate(percents):
        end += percent
        if part < PARTS * end / 100:
            return index
    return None
