"""The wall clock: read by publishers, and by an idle source's watermark."""

from __future__ import annotations

import time


def wall_clock_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
