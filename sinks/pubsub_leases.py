"""Leases of pulled messages: extended until the messages are acknowledged, wherever in the process.

A process has one `Leases` a subscription: whoever acknowledges a message there makes whoever pulled it
forget it at once. What another process acknowledges is extended in vain until it was held too long, and
counts as outstanding for as long.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from google.api_core.exceptions import GoogleAPICallError, RetryError

from sinks.pubsub_calls import (
    AcknowledgeRequest,
    Call,
    ModifyAckDeadlineRequest,
    PubSubCalls,
    ack_requests,
    retried,
)

_LOG = logging.getLogger(__name__)
_EXTEND_AFTER: Final = 1 / 3
_LOOK_EVERY: Final = 1 / 12
_LINGER_SECONDS: Final = 0.05
_ENOUGH_ACKS: Final = 2_500
_RELEASE_SECONDS: Final = 5.0


class _Delivery:
    """What the messages of one response have in common, in seconds."""

    __slots__ = ("extended_at", "pulled_at")

    def __init__(self, now: float) -> None:
        self.pulled_at = now
        self.extended_at = now


class Held:
    """Which messages are held, and when their leases are to be extended. It serves one thread at a time.

    Attributes:
        size_bytes: of the bodies of all that are held.
        given_up: how many were held too long.
    """

    def __init__(self, extend_after_seconds: float, max_hold_seconds: float) -> None:
        self.size_bytes = 0
        self.given_up = 0
        self._extend_after = extend_after_seconds
        self._max_hold = max_hold_seconds
        self._held: dict[str, tuple[_Delivery, int]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, ack_ids: Sequence[str], sizes_bytes: Sequence[int], now: float) -> None:
        """Messages of one response."""
        delivery = _Delivery(now)
        self._held.update(
            (ack_id, (delivery, size)) for ack_id, size in zip(ack_ids, sizes_bytes, strict=True)
        )
        self.size_bytes += sum(sizes_bytes)

    def forget(self, ack_ids: Sequence[str]) -> None:
        """These are held no longer; an unknown one is none of ours."""
        for ack_id in ack_ids:
            found = self._held.pop(ack_id, None)
            if found is not None:
                self.size_bytes -= found[1]

    def take_due(self, now: float) -> list[str]:
        """Those to extend now. What was held too long is forgotten: it comes again by itself."""
        due: list[str] = []
        late: list[str] = []
        extended: set[_Delivery] = set()
        for ack_id, (delivery, _) in self._held.items():
            if now - delivery.pulled_at >= self._max_hold:
                late.append(ack_id)
            elif now - delivery.extended_at >= self._extend_after:
                due.append(ack_id)
                extended.add(delivery)
        for delivery in extended:
            delivery.extended_at = now
        self.forget(late)
        self.given_up += len(late)
        return due


class Leases:
    """What this process holds of one subscription. A thread of its own extends and acknowledges.

    Acknowledgements wait 50 ms for each other, so that a commit costs no request of its own.

    Args:
        subscription: its full name.
        ack_deadline_seconds: the subscription's own; leases are extended by as much.

    Attributes:
        lost_acks: acknowledgements that failed for good: those messages come again.
        lost_extensions: extensions that failed for good.
    """

    def __init__(
        self,
        calls: PubSubCalls,
        subscription: str,
        ack_deadline_seconds: int,
        max_hold_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lost_acks = 0
        self.lost_extensions = 0
        self._calls = calls
        self._subscription = subscription
        self._deadline = ack_deadline_seconds
        self._patience = ack_deadline_seconds * _EXTEND_AFTER
        self._now = now
        self._held = Held(ack_deadline_seconds * _EXTEND_AFTER, max_hold_seconds)
        self._lock = threading.Lock()
        self._room = threading.Condition(self._lock)
        self._work = threading.Condition(self._lock)
        # An extension must not overtake the release of the same message.
        self._modifying = threading.Lock()
        self._acks: list[str] = []
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"leases of {subscription}", daemon=True)
        self._thread.start()

    def add(self, ack_ids: Sequence[str], sizes_bytes: Sequence[int]) -> None:
        """These were pulled."""
        with self._lock:
            self._held.add(ack_ids, sizes_bytes, self._now())

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        """Forgets messages at once, and has them acknowledged soon."""
        with self._lock:
            waiting = len(self._acks)
            self._held.forget(ack_ids)
            self._acks += ack_ids
            self._room.notify_all()
            if not waiting or len(self._acks) >= _ENOUGH_ACKS:
                self._work.notify()

    def release(self, ack_ids: Sequence[str]) -> None:
        """Gives messages back; what fails comes again when its lease ends."""
        with self._modifying:
            with self._lock:
                self._held.forget(ack_ids)
                self._room.notify_all()
            self._modify(ack_ids, 0, _RELEASE_SECONDS)

    def wait_for_room(
        self, max_messages: int, max_bytes: int, given_up: Callable[[], bool], timeout_seconds: float
    ) -> int:
        """How many more messages may be held; 0 if there is no room in time, or the caller gave up."""

        def is_room() -> bool:
            return len(self._held) < max_messages and self._held.size_bytes < max_bytes

        with self._lock:
            self._room.wait_for(lambda: given_up() or is_room(), timeout_seconds)
            return max_messages - len(self._held) if is_room() and not given_up() else 0

    def wake(self) -> None:
        """Has those who wait for room look again whether to give up."""
        with self._lock:
            self._room.notify_all()

    def outstanding(self) -> tuple[int, int]:
        """Messages held, and the bytes of their bodies."""
        with self._lock:
            return len(self._held), self._held.size_bytes

    def close(self) -> None:
        """Sends the acknowledgements that are left, and ends; what is still held comes again."""
        with self._lock:
            self._ended = True
            self._work.notify()
        self._thread.join()
        self._calls.close()

    def _run(self) -> None:
        look_every = self._deadline * _LOOK_EVERY
        look_at = self._now() + look_every
        while True:
            with self._lock:
                self._work.wait_for(lambda: self._ended or self._acks, max(0.0, look_at - self._now()))
                if self._acks:
                    self._work.wait_for(
                        lambda: self._ended or len(self._acks) >= _ENOUGH_ACKS, _LINGER_SECONDS
                    )
                acks, self._acks = self._acks, []
                ended = self._ended
            self._acknowledge(acks)
            if ended:
                return
            # Not at every acknowledgement: it walks over all that is held.
            if self._now() >= look_at:
                self._extend()
                look_at = self._now() + look_every

    def _acknowledge(self, ack_ids: Sequence[str]) -> None:
        until = self._now() + self._patience
        for part in ack_requests(ack_ids):
            request = AcknowledgeRequest(subscription=self._subscription, ack_ids=part)
            if not self._sent(self._calls.acknowledge, request, until - self._now()):
                self.lost_acks += len(part)
                _LOG.warning("%s: %d acknowledgements lost", self._subscription, self.lost_acks)

    def _extend(self) -> None:
        with self._modifying:
            with self._lock:
                due = self._held.take_due(self._now())
                self._room.notify_all()
            self.lost_extensions += self._modify(due, self._deadline, self._patience)

    def _modify(self, ack_ids: Sequence[str], seconds: int, patience_seconds: float) -> int:
        """Sets the leases of messages; gives how many could not be set."""
        failed = 0
        until = self._now() + patience_seconds
        for part in ack_requests(ack_ids):
            request = ModifyAckDeadlineRequest(
                subscription=self._subscription, ack_ids=part, ack_deadline_seconds=seconds
            )
            if not self._sent(self._calls.modify_ack_deadline, request, until - self._now()):
                failed += len(part)
        return failed

    def _sent(self, call: Call, request: object, retry_seconds: float) -> bool:
        try:
            retried(call, request, self._patience, max(0.0, retry_seconds))
        except (GoogleAPICallError, RetryError):
            # Not an error of the job: at worst a message comes again, and its event is known by then.
            return False
        return True


_REGISTRY: dict[tuple[int, str | None, str], tuple[Leases, int]] = {}
_REGISTRY_LOCK = threading.Lock()


def join(
    emulator_host: str | None, subscription: str, ack_deadline_seconds: int, max_hold_seconds: float
) -> Leases:
    """The process's leases of a subscription, made by the first to join them."""
    key = (os.getpid(), emulator_host, subscription)
    with _REGISTRY_LOCK:
        leases, users = _REGISTRY.get(key) or (
            Leases(PubSubCalls(emulator_host), subscription, ack_deadline_seconds, max_hold_seconds),
            0,
        )
        _REGISTRY[key] = leases, users + 1
        return leases


def leave(emulator_host: str | None, subscription: str) -> None:
    """One that joined needs them no longer; the last to leave ends them."""
    key = (os.getpid(), emulator_host, subscription)
    with _REGISTRY_LOCK:
        leases, users = _REGISTRY.pop(key)
        if users > 1:
            _REGISTRY[key] = leases, users - 1
            return
    leases.close()
