"""Context attributes of CloudEvents: their names, types and texts.

Source: CloudEvents 1.0.2, core, "Naming Conventions" and "Type System".
"""

from __future__ import annotations

import re

KNOWN = frozenset(
    {
        "specversion", "id", "source", "type", "time", "subject", "dataschema", "datacontenttype",
        "identity", "identitytype", "previousidentity", "previousidentitytype", "publishtime", "workspace",
        "data_base64",
    }
)  # fmt: skip
"""The attributes that cjaas itself reads; each is text."""

_NAME = re.compile(r"[a-z0-9]+", re.ASCII)
# Core, "Type System": control characters, noncharacters and unpaired surrogates are no text.
_NONCHARACTERS = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_NO_TEXT = re.compile(f"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+\s*(?:;.*)?", re.ASCII)
_STRINGS = frozenset(
    {"specversion", "id", "source", "type", "time", "dataschema", "datacontenttype", "subject"}
)


def attribute_problem(name: str, value: object) -> str | None:
    """What is wrong with a context attribute; None if nothing is."""
    if not _NAME.fullmatch(name) or name == "data":
        return "expected an attribute name of lower-case letters and digits other than data"
    if (
        isinstance(value, bool | int)
        and name not in _STRINGS
        and not (isinstance(value, bool) and name in KNOWN)
    ):
        if not -(2**31) <= value < 2**31:
            return f"expected a 32-bit integer, found {str(value)[:60]}"
        return None
    if not isinstance(value, str):
        return f"expected text, found {describe(value)}"
    if name in _STRINGS and not value:
        return "expected text, found an empty one"
    if _NO_TEXT.search(value):
        return "expected text without control characters"
    if name in ("source", "dataschema") and not _URI.fullmatch(value):
        return f"expected a URI, found {value[:60]!r}"
    if name == "datacontenttype" and not _MEDIA_TYPE.fullmatch(value):
        return f"expected a media type, found {value[:60]!r}"
    return None


def attribute_text(value: object) -> str:
    """The canonical text of an attribute value (core, "Type System")."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def describe(value: object) -> str:
    """The kind of a JSON value in words."""
    kinds = {bool: "a boolean", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return kinds.get(type(value), type(value).__name__)


def valid_uri(text: str) -> bool:
    """Whether a text is a non-empty URI reference."""
    return bool(_URI.fullmatch(text))
