"""What a journey's file says: when to act, and how."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from schemas.workspace.compile_steps import compile_steps
from schemas.workspace.condition import Condition
from schemas.workspace.condition_file import CONDITION
from schemas.workspace.conditions import Scope, compile_condition
from schemas.workspace.files import EntryFile, JourneyFile, ValidFile
from schemas.workspace.model import Journey
from schemas.workspace.place import Place
from schemas.workspace.validate import part
from schemas.workspace.vocabulary import Vocabulary


def compile_journey(place: Place, file: JourneyFile | None, vocabulary: Vocabulary) -> Journey | None:
    """The journey; None if its file has mistakes of its own, whose sound parts are checked all the same."""
    document = place.document
    _check_name(place)
    _check_validity(place.at("valid"))
    entry = part(document, ("entry",), EntryFile)
    events: tuple[str, ...] = ()
    entry_where = None
    if entry is not None:
        several = isinstance(entry.event, list)
        events = tuple(entry.event) if isinstance(entry.event, list) else (entry.event,)
        vocabulary.check_events(place.at("entry", "event"), events, several)
        if entry.where is not None:
            scope = Scope(vocabulary, events, sees_attributes=False)
            entry_where = compile_condition(place.at("entry", "where"), entry.where, scope)
    exits = document.get("exit")
    exit_events = tuple(event for event in exits if isinstance(event, str)) if isinstance(exits, list) else ()
    vocabulary.check_events(place.at("exit"), exit_events, listed_events=True)
    condition = _compile_condition(place.at("condition"), Scope(vocabulary, events, sees_attributes=True))
    steps = compile_steps(place.at("steps"), events, vocabulary)
    if file is None:
        return None
    return Journey(
        name=file.name,
        version=file.version,
        active=file.active,
        category=file.category,
        priority=file.priority,
        valid_from_us=file.valid.since if file.valid else None,
        valid_until_us=file.valid.until if file.valid else None,
        entry_events=events,
        entry_where=entry_where,
        cooldown_us=file.entry.cooldown,
        on_repeat=file.entry.on_repeat,
        exit_events=exit_events,
        condition=condition,
        steps=steps,
    )


def _check_name(place: Place) -> None:
    name, path = place.document.get("name"), place.document.path
    version = version_of(path)
    expected = path.stem if version is None else path.stem.rpartition(".v")[0]
    if isinstance(name, str) and name != expected:
        place.at("name").add(
            f"expected the file's name {expected!r}, found {name!r}; "
            f"rename the journey, or the file to {name}{'' if version is None else f'.v{version}'}.yaml"
        )


def version_of(path: Path) -> int | None:
    """The version that the file `NAME.vN.yaml` of an earlier one says; None for that of the newest."""
    match = re.fullmatch(r".+\.v([1-9][0-9]*)", path.stem)
    return int(match[1]) if match else None


def check_earlier(place: Place, earlier: Journey, newest: Journey | None) -> None:
    """Tells of an earlier version that is none: of another number than its file's, or of nothing newer."""
    said = version_of(place.document.path)
    if earlier.version != said:
        place.at("version").add(
            f"expected version {said}, as the file's name says, found {earlier.version}; change one of them"
        )
    elif newest is None:
        place.add(
            f"expected the newest version of {earlier.name} in {earlier.name}.yaml, found no such file; "
            "add it, inactive if nobody is to enter any more"
        )
    elif newest.version <= earlier.version:
        place.at("version").add(
            f"expected a version before {newest.version}, which is in {earlier.name}.yaml, "
            f"found {earlier.version}; raise the newest one"
        )


def _check_validity(place: Place) -> None:
    valid = part(place.document, place.location, ValidFile)
    if valid is None or valid.since is None or valid.until is None:
        return
    if valid.since >= valid.until:
        since, until = (place.document.get("valid", key) for key in ("from", "until"))
        place.at("until").add(
            f"expected a time after from, which is {since}, found {until}; move one of them"
        )


def _compile_condition(place: Place, scope: Scope) -> Condition | None:
    raw = place.document.get(*place.location)
    if raw is None:
        return None
    try:
        file = CONDITION.validate_python(raw)
    except ValidationError:
        return None  # told by the validation of the whole document
    return compile_condition(place, file, scope)
