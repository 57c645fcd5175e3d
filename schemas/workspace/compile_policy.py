"""What workspace.yaml lets journeys do to a person, with its names checked."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.action import Category
from schemas.workspace.conditions import Scope, compile_condition
from schemas.workspace.phrases import unknown
from schemas.workspace.place import Place, tell_repeated
from schemas.workspace.policy import (
    SOLICITING,
    Arbitration,
    Cap,
    Policy,
    QuietHours,
    Suppression,
    Unanswered,
    UseCase,
)
from schemas.workspace.policy_files import CapFile, PolicyFile, QuietHoursFile, SuppressionFile
from schemas.workspace.vocabulary import Vocabulary


def compile_policy(
    place: Place, file: PolicyFile, vocabulary: Vocabulary, journeys: frozenset[str]
) -> Policy:
    """The policy; tells of names that are not known or stand twice.

    Args:
        journeys: the names of all journeys.
    """
    for key in ("use_cases", "suppress"):
        items: list[tuple[Place, object]] = [
            (place.at(key, index, "name"), item.name) for index, item in enumerate(getattr(file, key))
        ]
        tell_repeated("name", items)
    consents = file.consents
    unanswered, arbitration = file.unanswered, file.arbitration
    return Policy(
        consents={category: getattr(consents, category.value) for category in Category},
        use_cases={item.name: UseCase(item.name, item.subscribed) for item in file.use_cases},
        caps=tuple(
            _cap(place.at("caps", index), item, vocabulary, journeys) for index, item in enumerate(file.caps)
        ),
        quiet_hours=tuple(
            _quiet_hours(place.at("quiet_hours", index), item, vocabulary)
            for index, item in enumerate(file.quiet_hours)
        ),
        suppressions=tuple(
            _suppression(place.at("suppress", index), item, vocabulary)
            for index, item in enumerate(file.suppress)
        ),
        unanswered=None if unanswered is None else Unanswered(unanswered.limit, unanswered.pause),
        arbitration=None if arbitration is None else Arbitration(arbitration.window, arbitration.reserve),
        control_percent=file.control_group,
        test_people=_test_people(place.at("test_people"), file.test_people, vocabulary),
        dry_run=file.dry_run,
    )


def _cap(place: Place, file: CapFile, vocabulary: Vocabulary, journeys: frozenset[str]) -> Cap:
    if file.journey is not None and file.journey not in journeys:
        place.at("journey").add(
            unknown("journey", file.journey, journeys, f"add journeys/{file.journey}.yaml")
        )
    if file.channel is not None:
        vocabulary.check_channel(place.at("channel"), file.channel)
    counted = [file.journey, None if file.category is None else file.category.value, file.channel]
    name = " ".join(part for part in counted if part is not None) or "all"
    return Cap(name, file.limit, file.window, file.journey, file.category, file.channel)


def _quiet_hours(place: Place, file: QuietHoursFile, vocabulary: Vocabulary) -> QuietHours:
    if file.since == file.until:
        place.at("until").add("expected another time than from, found the same; change one of them")
    for index, channel in enumerate(file.channels or ()):
        vocabulary.check_channel(place.at("channels", index), channel)
    channels = None if file.channels is None else frozenset(file.channels)
    return QuietHours(file.since, file.until, file.then == "defer", _categories(file.categories), channels)


def _suppression(place: Place, file: SuppressionFile, vocabulary: Vocabulary) -> Suppression:
    scope = Scope(vocabulary, None, sees_attributes=True)
    condition = compile_condition(place.at("condition"), file.condition, scope)
    return Suppression(file.name, condition, _categories(file.categories))


def _categories(named: Iterable[Category] | None) -> frozenset[Category]:
    return SOLICITING if named is None else frozenset(named)


def _test_people(place: Place, identities: list[str], vocabulary: Vocabulary) -> frozenset[str]:
    for index, identity in enumerate(identities):
        namespace, colon, value = identity.partition(":")
        if not colon or not value:
            place.at(index).add(f"expected NAMESPACE:VALUE, found {identity!r}; write email:ann@example.com")
        else:
            vocabulary.check_namespace(place.at(index), namespace)
    return frozenset(identities)
