"""Ending a run early: a signal becomes an exception, where nothing can be left half done."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from schemas.errors import CjaasError

_VERBS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
_REPEAT_SECONDS = 0.5


class Interrupted(BaseException):
    """The process was asked to end before its work was done."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Interruption:
    """Notes what asks a run to end, from entry to exit.

    Inside `raising` it raises; elsewhere it waits, so that a directory that was just made is known before
    anything raises, and one that is being removed is removed to the end. Outside the main thread no
    signals are noted.
    """

    def __init__(self) -> None:
        self._reason: BaseException | None = None
        self._raising = threading.Event()
        self._main = threading.get_ident()
        self._handlers: dict[int, Any] = {}
        self._listeners: list[Callable[[], None]] = []
        self._unraisable = sys.unraisablehook
        self._excepthook = threading.excepthook

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in _VERBS:
                number = getattr(signal, name, None)
                # Who starts a process with a signal ignored, as nohup does, wants it so.
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._note)
            self._unraisable, sys.unraisablehook = sys.unraisablehook, self._tell_unraisable
            self._excepthook, threading.excepthook = threading.excepthook, self._tell_thread
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if sys.unraisablehook == self._tell_unraisable:
            sys.unraisablehook = self._unraisable
        # Threads may outlive a run that was ended, and fail as it closes their connections.
        if threading.excepthook == self._tell_thread and self._reason is None:
            threading.excepthook = self._excepthook

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls a function as soon as the run is asked to end, perhaps more than once."""
        self._listeners.append(listener)

    def fail(self, message: str) -> None:
        """Ends the run from another thread, as a failure."""
        if self._reason is None:
            self._reason = CjaasError(message)
            self._wake()

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Whatever leaves it after the run was asked to end is the interruption.

        Raises:
            Interrupted: a signal came, inside or before.
            CjaasError: the run failed in another thread.
        """
        ended = threading.Event()
        threading.Thread(target=self._remind, args=(ended,), name="reminder", daemon=True).start()
        try:
            self._raising.set()
            if self._reason is None:
                yield
        except BaseException:
            if self._reason is None:
                raise
        finally:
            self._raising.clear()
            ended.set()
        if self._reason is not None:
            raise self._reason from None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._reason is None:
            text = f"{_VERBS[signal.Signals(number).name]}; no output was written"
            self._reason = Interrupted(text, 128 + number)
        for listener in self._listeners:
            listener()
        if self._raising.is_set():
            raise Interrupted("asked to end")

    def _tell_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        """Says nothing of an interruption that a finalizer swallowed: the next signal comes soon."""
        if not isinstance(unraisable.exc_value, Interrupted):
            self._unraisable(unraisable)

    def _tell_thread(self, args: threading.ExceptHookArgs) -> None:
        """Says nothing of a thread that fails because the run ends."""
        if self._reason is None:
            self._excepthook(args)

    def _remind(self, ended: threading.Event) -> None:
        """Signals again where whatever was running swallowed the exception."""
        while not ended.wait(_REPEAT_SECONDS):
            if self._reason is not None and self._raising.is_set():
                self._wake()

    def _wake(self) -> None:
        """Lets the main thread look, which may be waiting for something that never comes."""
        if signal.SIGTERM in self._handlers:
            signal.pthread_kill(self._main, signal.SIGTERM)
