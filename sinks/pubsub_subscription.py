"""A Pub/Sub subscription as a source of messages.

It pulls by unary Pull, one request at a time, ahead of who asks. StreamingPull costs as much CPU a message
and is no faster with a single one, and Google's emulator delivers at most 100 messages in 50 ms by it, by
unary Pull more than ten times as many (`benchmarks/pubsub.py`). A Pull under way is never cut short to return
in time: a response that nobody waits for would be lost until its leases end.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

from google.api_core.exceptions import DeadlineExceeded, GoogleAPICallError

from schemas.streams import Pulled
from sinks.pubsub_calls import MAX_REQUEST_MESSAGES, TRANSIENT, PubSubCalls, PullRequest, explained
from sinks.pubsub_leases import Leases, join, leave
from sinks.pubsub_topics import ACK_DEADLINE_SECONDS, subscription_path

_PULL_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 5.0
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 10.0


class PubSubSubscription:
    """A `schemas.streams.MessageSubscription`.

    It opens when it is first used, travels to other processes closed, and serves several threads. One that
    only acknowledges never pulls.

    Args:
        project: the project's id.
        subscription: the subscription's short name.
        emulator_host: `HOST:PORT` of an emulator; without it the service.
        ack_deadline_seconds: the subscription's own, at least 10; leases are extended by as much at a third
            of it.
        max_hold_seconds: how long a message is kept from coming again.
        max_outstanding_messages: how many may be pulled and not yet acknowledged or released, as far as
            this process knows; then pulls wait.
        max_outstanding_bytes: the same for the bytes of their bodies; one response may exceed it.

    Attributes:
        name: `projects/PROJECT/subscriptions/NAME`.
    """

    def __init__(
        self,
        project: str,
        subscription: str,
        *,
        emulator_host: str | None = None,
        ack_deadline_seconds: int = ACK_DEADLINE_SECONDS,
        max_hold_seconds: float = 600.0,
        max_outstanding_messages: int = 50_000,
        max_outstanding_bytes: int = 256_000_000,
    ) -> None:
        self.name = subscription_path(project, subscription)
        self._arguments = {
            "emulator_host": emulator_host,
            "ack_deadline_seconds": ack_deadline_seconds,
            "max_hold_seconds": max_hold_seconds,
            "max_outstanding_messages": max_outstanding_messages,
            "max_outstanding_bytes": max_outstanding_bytes,
        }
        self._names = (project, subscription)
        self._emulator_host = emulator_host
        self._ack_deadline_seconds = ack_deadline_seconds
        self._max_hold_seconds = max_hold_seconds
        self._max_outstanding = (max_outstanding_messages, max_outstanding_bytes)
        self._opening = threading.Lock()
        self._leases: Leases | None = None
        self._puller: _Puller | None = None

    def __repr__(self) -> str:
        return f"PubSubSubscription({self.name!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self._names, self._arguments)

    def pull(self, max_messages: int, wait_seconds: float) -> Pulled:
        """Waits until a message is there, or so long, and gives up to so many.

        Raises:
            CjaasError: there is no such subscription, or it may not be read.
            GoogleAPICallError: another error that does not pass by itself.
        """
        with self._opening:
            if self._puller is None:
                leases = self._joined()
                self._puller = _Puller(
                    PubSubCalls(self._emulator_host), self.name, leases, *self._max_outstanding
                )
            puller = self._puller
        with explained(self.name):
            return puller.take(max_messages, wait_seconds)

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """Forgets leases at once and has the messages acknowledged within 50 ms; errors are counted."""
        self._shared().acknowledge(ack_ids)

    def release(self, ack_ids: Sequence[str]) -> None:
        """Gives messages back, so that they come again at once, to whomever."""
        self._shared().release(ack_ids)

    def outstanding(self) -> tuple[int, int]:
        """Messages that this process holds, and the bytes of their bodies."""
        return self._shared().outstanding()

    def lost_acks(self) -> int:
        """How many acknowledgements of this process failed for good."""
        return self._shared().lost_acks

    def close(self) -> None:
        """Gives back what no pull gave out; the last of a process sends its acknowledgements.

        What was pulled stays leased while another instance of the process is open, and comes again after.
        """
        with self._opening:
            puller, self._puller = self._puller, None
            leases, self._leases = self._leases, None
            if puller is not None:
                puller.close()
            if leases is not None:
                leave(self._emulator_host, self.name)

    def _shared(self) -> Leases:
        with self._opening:
            return self._joined()

    def _joined(self) -> Leases:
        if self._leases is None:
            self._leases = join(
                self._emulator_host, self.name, self._ack_deadline_seconds, self._max_hold_seconds
            )
        return self._leases


class _Puller:
    """A thread that pulls while less than a batch waits to be taken."""

    def __init__(
        self, calls: PubSubCalls, path: str, leases: Leases, max_messages: int, max_bytes: int
    ) -> None:
        self._calls = calls
        self._path = path
        self._leases = leases
        self._limits = (max_messages, max_bytes)
        self._changed = threading.Condition()
        self._waiting = _columns(())
        self._wanted = 0
        self._error: GoogleAPICallError | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"pulls of {path}", daemon=True)
        self._thread.start()

    def take(self, max_messages: int, wait_seconds: float) -> Pulled:
        with self._changed:
            self._wanted = max_messages
            self._changed.notify_all()
            self._changed.wait_for(self._has_news, wait_seconds)
            taken = self._waiting
            if len(taken.ack_ids) <= max_messages:
                self._waiting = _columns(())
            else:
                self._waiting = _sliced(taken, slice(max_messages, None))
                taken = _sliced(taken, slice(max_messages))
            if not taken.ack_ids and self._error is not None:
                error, self._error = self._error, None
                raise error
            if not self._closed and not self._thread.is_alive():
                raise RuntimeError(f"{self._path}: the thread that pulls has ended; its error is in the log")
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._leases.wake()
        self._calls.close()
        self._thread.join()
        if self._waiting.ack_ids:
            self._leases.release(self._waiting.ack_ids)

    def _run(self) -> None:
        wait_seconds = 0.0
        while self._may_pull(wait_seconds):
            room = self._leases.wait_for_room(*self._limits, lambda: self._closed, _LOOK_SECONDS)
            if not room:
                continue
            count = min(self._wanted, room, MAX_REQUEST_MESSAGES)
            request = PullRequest(subscription=self._path, max_messages=count)
            try:
                messages = self._calls.pull(request, _PULL_SECONDS).received_messages
            except DeadlineExceeded:
                # How Pub/Sub says that nothing came.
                continue
            except TRANSIENT:
                wait_seconds = min(max(2 * wait_seconds, _FIRST_WAIT_SECONDS), _LONGEST_WAIT_SECONDS)
                continue
            except GoogleAPICallError as error:
                self._tell(error)
                continue
            except ValueError:
                # What gRPC says of a channel that was closed just before.
                if self._closed:
                    return
                raise
            wait_seconds = 0.0
            more = _columns(messages)
            self._leases.add(more.ack_ids, list(map(len, more.payloads)))
            with self._changed:
                waiting = self._waiting
                for name in _COLUMNS:
                    getattr(waiting, name).extend(getattr(more, name))
                self._changed.notify_all()

    def _has_news(self) -> bool:
        return bool(self._waiting.ack_ids) or self._error is not None or self._closed

    def _may_pull(self, wait_seconds: float) -> bool:
        """Waits so long, and until less than a batch waits; False when closed."""
        with self._changed:
            if wait_seconds:
                self._changed.wait_for(lambda: self._closed, wait_seconds)
            self._changed.wait_for(
                lambda: self._closed or (len(self._waiting.ack_ids) < self._wanted and self._error is None)
            )
            return not self._closed

    def _tell(self, error: GoogleAPICallError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()


_COLUMNS: Final = Pulled.__struct_fields__


def _columns(received: Sequence[Any]) -> Pulled:
    messages = [item.message for item in received]
    times = [message.publish_time for message in messages]
    return Pulled(
        payloads=[message.data for message in messages],
        message_ids=[message.message_id for message in messages],
        attributes=[dict(message.attributes) for message in messages],
        publish_us=[time.seconds * 1_000_000 + time.nanos // 1_000 for time in times],
        ack_ids=[item.ack_id for item in received],
    )


def _sliced(pulled: Pulled, part: slice) -> Pulled:
    return Pulled(*(getattr(pulled, name)[part] for name in _COLUMNS))


def _rebuilt(names: tuple[str, str], arguments: dict[str, Any]) -> PubSubSubscription:
    return PubSubSubscription(*names, **arguments)
