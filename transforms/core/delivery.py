"""How far delivery has come: a watermark over publish times, for a broker that tells none."""

from __future__ import annotations

from collections import deque

from schemas.timestamps import SECOND_US

RECENT_US = 5 * SECOND_US
"""Deliveries of so long are looked back at; an idle source lags the wall clock by as much."""


class DeliveryWatermark:
    """All that was published before it has been delivered, as far as deliveries tell. Never goes back.

    A broker delivers in no order, but close to it: while messages come, the earliest publish time of the
    last five seconds' deliveries stands for what is still to come; when none come, nothing is thought to
    be older than five seconds.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque()
        self._watermark_us = 0

    def delivered(self, earliest_publish_us: int, now_us: int) -> None:
        """A batch came, whose earliest message was published then."""
        self._recent.append((now_us, earliest_publish_us))

    def read_us(self, now_us: int) -> int:
        """The watermark in microseconds.

        Args:
            now_us: the wall clock.
        """
        while self._recent and self._recent[0][0] <= now_us - RECENT_US:
            self._recent.popleft()
        oldest_us = min([now_us - RECENT_US, *(publish_us for _, publish_us in self._recent)])
        self._watermark_us = max(self._watermark_us, oldest_us)
        return self._watermark_us
