"""Identities: namespaced, normalised values that name a person, and the id derived from the best one."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

import msgspec
import phonenumbers

from schemas.dead_letter import DeadLetterError, Stage
from schemas.workspace.model import Namespace, Workspace
from transforms.core.refused import Refused

_CACHED = 10_000
_EMAIL = re.compile(
    r"[^@\s\x00-\x1f\x7f-\x9f\"(),:;<>\[\]\\]{1,64}"
    r"@(?:[^@\s\x00-\x1f\x7f-\x9f.,]{1,63}\.)+[^@\s\x00-\x1f\x7f-\x9f.,]{2,63}"
)
_MAX_LENGTH = 320
_BLANK = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


class Identity(msgspec.Struct, frozen=True, order=True):
    """One identity; the lesser of two is the better one.

    Attributes:
        priority: of the namespace, 1 is best.
        text: `namespace:value`, normalised.
    """

    priority: int
    text: str


def normalize_email(value: str) -> str:
    """The address in lower case, without surrounding space.

    Raises:
        ValueError: it is no address.
    """
    address = value.strip().lower()
    if len(address) > _MAX_LENGTH or not _EMAIL.fullmatch(address):
        raise ValueError(f"expected a mail address, found {value[:60]!r}")
    return address


def normalize_phone(value: str, region: str | None) -> str:
    """The number in E.164, such as +4930123456.

    Raises:
        ValueError: it is no number, or a national one where no region is given.
    """
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"expected a phone number, found {value[:60]!r} ({error})") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError(f"expected a phone number, found {value[:60]!r}")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def normalize_plain(value: str) -> str:
    """The value without surrounding space.

    Raises:
        ValueError: it is empty, longer than 320 characters, or holds space or control characters.
    """
    plain = value.strip()
    if not plain or len(plain) > _MAX_LENGTH or _BLANK.search(plain):
        raise ValueError(f"expected 1 to {_MAX_LENGTH} characters without space, found {value[:60]!r}")
    return plain


class Identities:
    """The identities of one workspace: normalised, ranked and turned into person ids; cached."""

    def __init__(self, workspace: Workspace) -> None:
        self._secret = workspace.secret
        self._namespaces = {namespace.name: namespace for namespace in workspace.namespaces}
        self._normalizers = {
            namespace.name: _normalizer(namespace, workspace.region) for namespace in workspace.namespaces
        }
        self._known: dict[tuple[str, str], Identity] = {}
        # Whom the same identity names beside other fields is new to naming, and a digest costs 2 µs.
        self._persons: dict[str, str] = {}

    def identity(self, namespace: str, value: str) -> Identity:
        """The identity that a namespace and a value as sent name.

        Raises:
            Refused: the namespace is unknown, or the value is none of its.
        """
        key = (namespace, value)
        known = self._known.get(key)
        if known is None:
            known = self._normalize(namespace, value)
            if len(self._known) >= _CACHED:
                self._known.clear()
            self._known[key] = known
        return known

    def _normalize(self, namespace: str, value: str) -> Identity:
        declared = self._namespaces.get(namespace)
        if declared is None:
            raise Refused(
                Stage.IDENTITY,
                DeadLetterError.UNKNOWN_NAMESPACE,
                f"identitytype: expected one of {', '.join(self._namespaces)}, found {namespace[:60]!r}",
            )
        try:
            normal = self._normalizers[namespace](value)
        except ValueError as error:
            raise Refused(
                Stage.IDENTITY, DeadLetterError.INVALID_IDENTITY, f"identity {namespace}: {error}"
            ) from None
        return Identity(declared.priority, f"{namespace}:{normal}")

    def person_id(self, identity: str) -> str:
        """HMAC-SHA256 of `namespace:value` under the workspace's secret, its first 128 bits in hex."""
        person_id = self._persons.get(identity)
        if person_id is None:
            person_id = hmac.digest(self._secret, identity.encode(), "sha256")[:16].hex()
            if len(self._persons) >= _CACHED:
                self._persons.clear()
            self._persons[identity] = person_id
        return person_id


def _normalizer(namespace: Namespace, region: str | None) -> Callable[[str], str]:
    if namespace.normalizer == "email":
        return normalize_email
    if namespace.normalizer == "phone":
        return lambda value: normalize_phone(value, region)
    return normalize_plain


def shard_of(person_id: str, shards: int) -> int:
    """The shard of a person: the slice of the id space that the id's prefix lies in."""
    return int(person_id[:8], 16) * shards >> 32
