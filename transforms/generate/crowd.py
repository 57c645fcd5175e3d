"""The people of a generated firehose: numbers from which everything about a person follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas.workspace.model import Namespace
from transforms.generate.realism import PeopleHint

_FIRST = [
    "Ada", "Ben", "Clara", "David", "Elif", "Finn", "Greta", "Hannes", "Ida", "Jonas", "Kaya", "Lena",
    "Mats", "Nora", "Omar", "Paula", "Quirin", "Rosa", "Samir", "Tilda", "Umut", "Vera", "Wim", "Yara",
    "Zoe", "Jörg", "Käthe", "Günther",
]  # fmt: skip
_LAST = [
    "Albrecht", "Becker", "Celik", "Dietz", "Ebert", "Fischer", "Gruber", "Hoffmann", "Ivanov", "Jansen",
    "Keller", "Lehmann", "Maier", "Nowak", "Otto", "Peters", "Quandt", "Richter", "Schulz", "Thiel",
    "Ullrich", "Vogel", "Weber", "Yilmaz", "Zimmer", "Müller", "Böhm", "Weiß",
]  # fmt: skip
_CITIES = (
    ("10115", "Berlin"), ("20095", "Hamburg"), ("80331", "München"), ("50667", "Köln"),
    ("60311", "Frankfurt am Main"), ("70173", "Stuttgart"), ("04109", "Leipzig"), ("01067", "Dresden"),
)  # fmt: skip
_PLAIN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_GOLDEN = 0x9E3779B1
_KINDS = 256


class Crowd:
    """People 0 .. size - 1. Holds a table of kinds and nothing per person.

    A set of namespaces is a bit mask: bit i is the i-th namespace, best first.
    """

    def __init__(
        self,
        seed: int,
        size: int,
        namespaces: Sequence[Namespace],
        kinds: Sequence[PeopleHint],
        formats: dict[str, str],
        region: str | None,
    ) -> None:
        self.size = size
        self.names = tuple(namespace.name for namespace in namespaces)
        self._shift = seed * 0x85EBCA6B
        self._region = region
        masks = [
            (kind.weight, sum(1 << self.names.index(name) for name in set(kind.identities)))
            for kind in kinds or default_kinds(self.names)
        ]
        total = sum(weight for weight, _ in masks)
        self._table: list[int] = []
        passed = 0.0
        for weight, mask in masks:
            passed += weight
            self._table += [mask] * (round(passed / total * _KINDS) - len(self._table))
        self._values: list[Callable[[int], str]] = []
        self._spellings: list[Callable[[str], str]] = []
        for namespace in namespaces:
            pattern = formats.get(namespace.name, f"{namespace.name[0]}%d")
            value: Callable[[int], str] = pattern.__mod__
            spelling: Callable[[str], str] = str
            if namespace.normalizer == "email":
                value, spelling = self._email, str.title
            elif namespace.normalizer == "phone":
                value, spelling = self._phone, self._national
            self._values.append(value)
            self._spellings.append(spelling)

    def kind(self, person: int) -> int:
        """The namespaces that the person is known by."""
        return self._table[((person + self._shift) * _GOLDEN & 0xFFFFFFFF) >> 24]

    def value(self, person: int, namespace: int) -> str:
        """The person's one value in a namespace, whether it is known by it or not."""
        return self._values[namespace](person)

    def spelled(self, person: int, namespace: int) -> str:
        """Another text of the same value: what the normaliser is for."""
        return self._spellings[namespace](self._values[namespace](person))

    def name(self, person: int) -> str:
        """First and last name."""
        mixed = self._mixed(person)
        return f"{_FIRST[mixed % len(_FIRST)]} {_LAST[(mixed >> 16) % len(_LAST)]}"

    def home(self, person: int) -> tuple[str, str]:
        """Postal code and city."""
        return _CITIES[(self._mixed(person) >> 8) % len(_CITIES)]

    def _mixed(self, person: int) -> int:
        mixed = (person + self._shift) * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        return mixed >> 24

    def _email(self, person: int) -> str:
        return f"{self.name(person).replace(' ', '.').lower().translate(_PLAIN)}{person}@example.com"

    def _phone(self, person: int) -> str:
        return f"+49151{person % 100_000_000:08d}"

    def _national(self, phone: str) -> str:
        return (
            f"0{phone[3:6]} {phone[6:]}" if self._region == "DE" else f"{phone[:3]} {phone[3:6]} {phone[6:]}"
        )


def default_kinds(names: Sequence[str]) -> list[PeopleHint]:
    """As many people with all namespaces as with one alone."""
    singles = [PeopleHint(identities=(name,)) for name in names]
    return [*singles, PeopleHint(weight=len(names), identities=tuple(names))]
