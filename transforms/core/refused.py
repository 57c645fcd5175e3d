"""The verdict about a message that cannot be accepted."""

from __future__ import annotations

from schemas.dead_letter import DeadLetterError, Stage


class Refused(Exception):  # noqa: N818 (it is a verdict about a message, not a failure)
    """A message that becomes a dead letter, with what could be read of it."""

    def __init__(
        self,
        stage: Stage,
        error: DeadLetterError,
        detail: str,
        event_type: str | None = None,
        schema: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.stage = stage
        self.error = error
        self.detail = _one_line(detail)
        self.event_type = event_type
        self.schema = schema


def refused(error: DeadLetterError, detail: str, event_type: object = None) -> Refused:
    """The refusal of an envelope; a type that is no text is none."""
    return Refused(Stage.ENVELOPE, error, detail, event_type if isinstance(event_type, str) else None)


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
