"""The examples of docs/envelope.md are accepted and refused as the page says."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path

import pytest

from schemas.dead_letter import DeadLetter, DeadLetterError
from tests.messages import STRUCTURED, accepted, decode_one
from transforms.core.context_attributes import KNOWN
from transforms.core.decode import Decoder
from transforms.core.envelope import MAX_DEPTH, MAX_PAYLOAD_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "envelope.md").read_text("utf-8")
MODES, ERRORS = PAGE.split("## Dead letters")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"^#### `(\w+)`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
STAGE = re.compile(r"^### Stage `(\w+)`", re.MULTILINE)

Message = tuple[bytes, dict[str, str]]


def message_of(language: str, text: str) -> Message:
    if language == "json":
        return text.strip().encode(), STRUCTURED
    if language == "python":
        return evaluated(ast.parse(text, mode="eval").body), STRUCTURED
    assert language == "message"
    message = json.loads(text)
    body = message["body"].encode() if "body" in message else base64.b64decode(message["body_base64"])
    return body, message["attributes"]


def evaluated(node: ast.expr) -> bytes:
    """Bytes, sums of them, and bytes times a number."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return bytes(ast.literal_eval(node.left)) * int(ast.literal_eval(node.right))
    if isinstance(node, ast.BinOp):
        return evaluated(node.left) + evaluated(node.right)
    return bytes(ast.literal_eval(node))


@pytest.mark.parametrize(("language", "text"), BLOCK.findall(MODES))
def test_examples_of_the_modes_are_accepted(decoder: Decoder, language: str, text: str) -> None:
    assert accepted(decoder, *message_of(language, text)).identities == ("cookie:c12",)


# No message shows what the tape's storage refuses: tests/transforms/core/test_refused_by_tape.py does.
@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name, text in SECTION.findall(ERRORS) if name != DeadLetterError.REFUSED_BY_TAPE],
)
def test_examples_of_the_errors_are_refused(decoder: Decoder, name: str, text: str) -> None:
    ((language, example),) = BLOCK.findall(text)
    letter = decode_one(decoder, *message_of(language, example))
    assert isinstance(letter, DeadLetter)
    (detail,) = re.findall(r"^> (.*)$", text, re.MULTILINE)
    assert (letter.error, letter.detail) == (DeadLetterError(name), detail)
    section = ERRORS.index(f"#### `{name}`")
    stage = [match[1] for match in STAGE.finditer(ERRORS) if match.start() < section][-1]
    assert letter.stage == stage


def test_every_error_attribute_and_limit_is_on_the_page() -> None:
    assert [DeadLetterError(name) for name, _ in SECTION.findall(ERRORS)] == list(DeadLetterError)
    assert not [name for name in KNOWN if f"`{name}`" not in PAGE]
    assert f"{MAX_PAYLOAD_BYTES:,} bytes" in PAGE
    assert f"{MAX_DEPTH} levels" in PAGE
    assert len(BLOCK.findall(MODES)) == 3
