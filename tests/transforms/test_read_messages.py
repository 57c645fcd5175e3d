"""Reading a subscription in micro-batches."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.message import MessageBatch
from schemas.streams import Pulled
from transforms.read_messages import MAX_MESSAGES, pull_batch


class Backlog:
    """A subscription that gives at most so many messages a pull."""

    name = "backlog"

    def __init__(self, waiting: int, at_once: int) -> None:
        self.waiting = waiting
        self.at_once = at_once
        self.given = 0
        self.pulls = 0

    def pull(self, max_messages: int, wait_seconds: float) -> Pulled:
        number = min(self.waiting, self.at_once, max_messages)
        self.waiting -= number
        self.pulls += 1
        ids = [str(self.given + index) for index in range(number)]
        self.given += number
        return Pulled([b"x"] * number, ids, [{} for _ in ids], list(range(number)), ids)

    def acknowledge(self, ack_ids: Sequence[str]) -> None:
        raise NotImplementedError

    def release(self, ack_ids: Sequence[str]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


def test_a_backlog_makes_full_batches() -> None:
    backlog = Backlog(10_000, 100)
    pulled = pull_batch(backlog)
    assert pulled.message_ids == [str(number) for number in range(MAX_MESSAGES)]
    assert {len(column) for column in (pulled.payloads, pulled.attributes, pulled.publish_us)} == {
        MAX_MESSAGES
    }
    assert pulled.ack_ids == pulled.message_ids


def test_few_messages_wait_for_no_more() -> None:
    backlog = Backlog(99, 100)
    assert len(pull_batch(backlog).payloads) == 99
    assert backlog.pulls == 1


def test_a_backlog_that_ends_is_given_as_it_is() -> None:
    backlog = Backlog(250, 100)
    assert len(pull_batch(backlog).payloads) == 250
    assert backlog.pulls == 3
    assert pull_batch(backlog).payloads == []


def test_what_was_pulled_is_a_micro_batch() -> None:
    pulled = Pulled([b"1", b"2"], ["7", "8"], [{}, {"x": "y"}], [5, 6], ["a", "b"])
    assert pulled.batch("s", 4) == MessageBatch(
        "s@7", [b"1", b"2"], ["7", "8"], [{}, {"x": "y"}], [5, 6], ["a", "b"], 4
    )
