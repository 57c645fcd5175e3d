"""How long calls to Bigtable are tried: deadlines, and waits that grow, with jitter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from google.api_core.retry import exponential_sleep_generator

from sinks.bigtable_errors import BigtableError, is_transient, told


@dataclass(frozen=True)
class Patience:
    """How long a call may take.

    Attributes:
        attempt_seconds: until an attempt is given up.
        total_seconds: until no further attempt is made; counted anew when a read has made progress.
        first_delay_seconds: the most that the first retry waits; each further one up to twice as long.
        longest_delay_seconds: the most that any retry waits.
    """

    attempt_seconds: float = 20.0
    total_seconds: float = 120.0
    first_delay_seconds: float = 0.05
    longest_delay_seconds: float = 5.0


class Attempts:
    """The attempts of one call."""

    def __init__(self, patience: Patience, method: str, table: str) -> None:
        self._patience = patience
        self._method = method
        self._table = table
        self.progress()

    def progress(self) -> None:
        """Something came: patience begins anew."""
        self._end = time.monotonic() + self._patience.total_seconds
        self._delays = exponential_sleep_generator(
            self._patience.first_delay_seconds, self._patience.longest_delay_seconds
        )

    def timeout_seconds(self) -> float:
        """The deadline of the next attempt."""
        return max(0.001, min(self._patience.attempt_seconds, self._end - time.monotonic()))

    def wait_after(self, error: Any) -> None:
        """Waits before another attempt.

        Raises:
            BigtableError: the error is final.
        """
        if not is_transient(error):
            raise told(self._method, self._table, error) from error
        self.wait(f"{error.code().name}: {error.details()}")

    def wait(self, why: str) -> None:
        """Waits before another attempt.

        Raises:
            BigtableError: there is no time for one.
        """
        delay = next(self._delays)
        if time.monotonic() + delay >= self._end:
            raise BigtableError(
                f"{self._table}: {self._method} failed again and again for"
                f" {self._patience.total_seconds:g} s: {why}"
            )
        time.sleep(delay)
