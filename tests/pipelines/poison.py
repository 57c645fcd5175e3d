"""Hostile messages: each has been the end of some consumer, and is one event or one dead letter here."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from schemas.dead_letter import DeadLetterError as Error
from schemas.workspace import Workspace
from sinks.pubsub_messages import STRUCTURED
from transforms.core.decode import REDRIVEN
from transforms.core.envelope import MAX_DEPTH, MAX_PAYLOAD_BYTES
from transforms.core.identity import Identities, shard_of

_TIME = "2026-01-01T12:00:00Z"
_KEPT = {**STRUCTURED, REDRIVEN: _TIME}
_AVRO = {
    "ce-specversion": "1.0",
    "ce-source": "/poison",
    "ce-time": _TIME,
    "ce-identity": "P-avro",
    "ce-identitytype": "customer",
    "content-type": "application/avro",
    REDRIVEN: _TIME,
}

REFUSED_QUERY = "the table refuses this row"
"""What was searched for in the event whose row no table takes."""


class Poison(NamedTuple):
    """A message, and the error that it is refused with; None if it is an event."""

    name: str
    body: bytes
    attributes: dict[str, str]
    error: Error | None

    def line(self) -> bytes:
        """The message as a line of a file."""
        message = {
            "data": base64.b64encode(self.body).decode(),
            "attributes": self.attributes,
            "messageId": f"poison-{self.name}",
            "publishTime": _TIME,
        }
        return json.dumps(message).encode()


def _text(name: str, data: str, **members: Any) -> bytes:
    """A search as a structured event whose data is this text, JSON or not."""
    event = {
        "specversion": "1.0",
        "id": name,
        "source": "/poison",
        "type": "search_performed",
        "time": _TIME,
        "identity": f"P-{name}",
        "identitytype": "customer",
    }
    whole = json.dumps({**event, **members, "data": 0})
    return (whole[: -len("0}")] + data + "}").encode("utf-8", "surrogatepass")


def _event(name: str, data: str, error: Any = None, **members: Any) -> Poison:
    return Poison(name, _text(name, data, **members), _KEPT, error)


def _padded(name: str, size_bytes: int, error: Error | None = None) -> Poison:
    """An event of just this size, by a field that no schema knows."""
    empty = _event(name, '{"query":"q","results":1,"padding":""}', error)
    body = empty.body[: -len('"}}')] + b"x" * (size_bytes - len(empty.body)) + b'"}}'
    return empty._replace(body=body)


def _deep(name: str, levels: int, error: Error | None = None) -> Poison:
    """An event nested so deep, itself and its data included."""
    inner = levels - 2
    return _event(name, '{"query":"q","results":1,"deep":' + "[" * inner + "]" * inner + "}", error)


def _broken() -> Iterator[Poison]:
    """No event at all."""
    whole = _text("broken", '{"query":"q","results":1}')
    yield Poison("cut_json", whole[:-9], STRUCTURED, Error.INVALID_JSON)
    yield Poison("two_values", whole + whole, STRUCTURED, Error.INVALID_JSON)
    yield Poison("nul_bytes", b"\x00" * 1_000, STRUCTURED, Error.INVALID_JSON)
    yield Poison("nul_within", whole.replace(b"P-", b"P\x00"), STRUCTURED, Error.INVALID_JSON)
    yield Poison("byte_order_mark", b"\xef\xbb\xbf" + whole, STRUCTURED, Error.INVALID_JSON)
    yield Poison("utf_16", whole.decode().encode("utf-16"), STRUCTURED, Error.INVALID_UTF8)
    yield Poison("invalid_utf8", whole.replace(b"P-", b"\xff\xfe"), STRUCTURED, Error.INVALID_UTF8)
    yield Poison("random_bytes", random.Random(1).randbytes(10_000), STRUCTURED, Error.INVALID_UTF8)
    yield Poison("scalar", b"7", STRUCTURED, Error.NOT_AN_OBJECT)
    yield Poison("array", b"[" + whole + b"]", STRUCTURED, Error.NOT_AN_OBJECT)
    yield Poison("empty", b"", STRUCTURED, Error.INVALID_JSON)
    yield Poison("empty_binary", b"", {"origin": "poison"}, Error.MISSING_ATTRIBUTE)
    yield Poison("no_attributes", whole, {}, Error.MISSING_ATTRIBUTE)


def _sizes() -> Iterator[Poison]:
    """Large, deep, and beyond."""
    yield _padded("at_the_limit", MAX_PAYLOAD_BYTES)
    yield _padded("over_the_limit", MAX_PAYLOAD_BYTES + 1, Error.PAYLOAD_TOO_LARGE)
    yield _deep("at_the_depth", MAX_DEPTH)
    yield _deep("too_deep", MAX_DEPTH + 1, Error.NESTING_TOO_DEEP)
    yield _deep("abysmal", 100_000, Error.NESTING_TOO_DEEP)
    yield Poison("only_brackets", b"[" * 500_000, STRUCTURED, Error.NESTING_TOO_DEEP)
    yield _event("overflow", json.dumps({"query": "q" * 900_000, "results": 1}))
    members = {f"member{number}": number for number in range(2_000)}
    yield _event("many_fields", json.dumps({"query": "q", "results": 1, **members}))


def _values() -> Iterator[Poison]:
    """Numbers and texts that some of those who handle them cannot hold."""
    yield _event("huge_int", '{"query":"q","results":1' + "0" * 400 + "}", Error.INVALID_DATA)
    yield _event("huge_exponent", '{"query":"q","results":1e999}', Error.INVALID_DATA)
    yield _event("not_a_number", '{"query":"q","results":NaN}', Error.INVALID_JSON)
    yield _event("unknown_huge_int", '{"query":"q","results":1,"other":1' + "0" * 60 + "}")
    endless = '{"query":"q","results":1,"other":1' + "0" * 5_000 + "}"
    yield _event("unknown_endless_int", endless, Error.INVALID_DATA)
    yield _event("unknown_exponent", '{"query":"q","results":1,"other":-1e999999}', Error.INVALID_DATA)
    yield _event("unknown_precise", '{"query":"q","results":1,"other":0.1234567890123456789012345678}')
    yield _event("unknown_64_bits", '{"query":"q","results":1,"other":[18446744073709551615,-9e307]}')
    yield _event("nul_in_text", r'{"query":"a\u0000b","results":1}')
    yield _event("nul_in_name", r'{"query":"q","results":1,"a\u0000b":"\u0000"}')
    yield _event("surrogate_in_text", r'{"query":"\ud800","results":1}', Error.INVALID_JSON)
    yield _event("unknown_surrogate", r'{"query":"q","results":1,"other":"\udfff"}', Error.INVALID_JSON)
    yield _event("surrogate_in_id", '{"query":"q","results":1}', Error.INVALID_JSON, id="\ud800")
    yield _event("raw_surrogate", '{"query":"\ud800","results":1}', Error.INVALID_DATA)
    yield _event("invisible", '{"query":"\u202e\u200b\ufeff\U0010ffff","results":1}')
    yield _event("formula", json.dumps({"query": "=1+1'; DROP TABLE tape_raw; --", "results": 1}))
    yield _event("twice", '{"query":"q","results":1,"results":2,"query":"r"}')
    yield _event("no_data", "null", Error.INVALID_DATA)


def _envelopes() -> Iterator[Poison]:
    """Attributes that are wrong, missing, or too many."""
    data = '{"query":"q","results":1}'
    yield _event("specversion", data, Error.INVALID_ATTRIBUTE, specversion="0.3")
    yield _event("object_id", data, Error.INVALID_ATTRIBUTE, id={"a": 1})
    yield _event("upper_case_name", data, Error.INVALID_ATTRIBUTE, **{"Wrong-Name": "x"})
    yield _event("nul_in_identity", data, Error.INVALID_ATTRIBUTE, identity="a\x00b")
    yield _event("endless_identity", data, Error.INVALID_IDENTITY, identity="a" * 1_000)
    yield _event("no_identity", data, Error.MISSING_IDENTITY, identity=None)
    yield _event("namespace", data, Error.UNKNOWN_NAMESPACE, identitytype="passport")
    yield _event("other_workspace", data, Error.WRONG_WORKSPACE, workspace="other")
    yield _event("unknown_type", data, Error.UNKNOWN_SCHEMA, type="undeclared")
    yield _event("unknown_version", data, Error.UNKNOWN_SCHEMA, dataschema="/search_performed/9")
    yield _event("too_old", data, Error.TOO_OLD, time="0001-01-01T00:00:00Z")
    yield _event("in_the_future", data, Error.IN_THE_FUTURE, time="8999-01-01T00:00:00Z")
    yield _event("bad_time", data, Error.INVALID_ATTRIBUTE, time="2026-02-30T12:00:00Z")
    kept = {**STRUCTURED, REDRIVEN: "yesterday"}
    yield _event("publish_time", data, Error.INVALID_ATTRIBUTE)._replace(attributes=kept)
    batch = {"content-type": "application/cloudevents-batch+json"}
    yield Poison("batch", b"[]", batch, Error.UNSUPPORTED_CONTENT_TYPE)
    many = {f"identity{number}": f"customer:P-{number:08}" for number in range(400)}
    yield _event("many_identities", json.dumps({"query": "q", "results": 1, "filters": many}), **many)


def _avro() -> Iterator[Poison]:
    """Data that claims to be Avro."""
    chance = random.Random(2)
    for name, body in (
        ("avro_garbage", b"\xff" * 11),
        ("avro_random", chance.randbytes(500)),
        ("avro_endless_string", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ("avro_empty", b""),
        ("avro_json", b'{"query":"q","results":1}'),
    ):
        attributes = {**_AVRO, "ce-id": name, "ce-type": "search_performed"}
        yield Poison(name, body, attributes, Error.INVALID_AVRO)


def poisons() -> list[Poison]:
    """One of each kind; the last one is an event whose row the table is to refuse, by `REFUSED_QUERY`."""
    refused = _event("refused_row", json.dumps({"query": REFUSED_QUERY, "results": 1}), Error.REFUSED_BY_TAPE)
    return [*_broken(), *_sizes(), *_values(), *_envelopes(), *_avro(), refused]


def gathering_person(emails: int) -> list[Poison]:
    """Events of one person, each with another address: the person gathers so many identities."""
    return [
        _event(
            f"gathering_{number}",
            '{"query":"q","results":1}',
            identity="P-gathering",
            previousidentity=f"address-{number:04}@mail.example",
            previousidentitytype="email",
        )
        for number in range(emails)
    ]


def giants(workspace: Workspace, persons: int) -> list[Poison]:
    """Events of as many persons of one shard, each with a profile of half a megabyte from now on."""
    identities = Identities(workspace)
    data = json.dumps({"query": "q" * 500_000, "results": 1})
    found: list[Poison] = []
    for number in count():
        identity = f"P-giant-{number}"
        if shard_of(identities.person_id(f"customer:{identity}"), workspace.shards) == 0:
            found.append(_event(f"giant_{number}", data, identity=identity))
        if len(found) == persons:
            return found
    raise AssertionError


def write_among(lines: Sequence[bytes], poison: Iterable[Poison], path: Path, seed: int) -> None:
    """Writes a file of these lines with the hostile messages among them, anywhere."""
    chance = random.Random(seed)
    mixed = list(lines)
    for message in poison:
        mixed.insert(chance.randrange(len(mixed) + 1), message.line())
    path.write_bytes(b"".join(line + b"\n" for line in mixed))
