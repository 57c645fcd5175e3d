"""Raw messages, as a broker or a file delivers them."""

from __future__ import annotations

import msgspec


class MessageBatch(msgspec.Struct, frozen=True, gc=False):
    """A micro-batch of raw messages in columns of equal length.

    Attributes:
        origin: what the batch is named by (`FILE@OFFSET`, or a subscription); unique in a run and
            the same however often the batch is read.
        payloads: each message's body.
        message_ids: the broker's id, or `FILE@OFFSET` for a line of a file.
        attributes: each message's attributes; None for a line that is a structured event itself.
        publish_us: the broker's publish time in microseconds; None where a file carries none.
        ack_ids: what each message is acknowledged by; empty where the source needs no word.
        watermark_us: all that was published before it has been delivered; None for a bounded source.
    """

    origin: str
    payloads: list[bytes]
    message_ids: list[str]
    attributes: list[dict[str, str] | None]
    publish_us: list[int | None]
    ack_ids: list[str] = []
    watermark_us: int | None = None

    def __len__(self) -> int:
        return len(self.payloads)
