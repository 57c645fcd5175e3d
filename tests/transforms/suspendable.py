"""A call that stops in its middle and goes on later, or never, while others are made."""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore, Thread


class SuspendableCall:
    """A call in a thread of its own, which goes on only while `resume` waits for it: one runs at a time."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._ended = False
        self._error: Exception | None = None
        self._go = Semaphore(0)
        self._stopped = Semaphore(0)
        # A daemon: a call that is never resumed does not keep the process from ending.
        Thread(target=self._run, daemon=True).start()

    def resume(self) -> bool:
        """Goes on until the call ends or suspends itself, and tells whether it has ended.

        Raises:
            Exception: what the call raised.
        """
        self._go.release()
        self._stopped.acquire()
        if self._error is not None:
            raise self._error
        return self._ended

    def suspend(self) -> None:
        """Stops here until the next `resume`; to be called within the call."""
        self._stopped.release()
        self._go.acquire()

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._call()
        except Exception as error:  # noqa: BLE001 (raised by `resume`)
            self._error = error
        self._ended = True
        self._stopped.release()
