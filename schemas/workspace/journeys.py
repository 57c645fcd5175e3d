"""What a journey's file says: when to act, and how."""

from __future__ import annotations

from pydantic import ValidationError

from schemas.workspace.condition import Condition
from schemas.workspace.condition_file import CONDITION
from schemas.workspace.conditions import Scope, compile_condition
from schemas.workspace.files import (
    AttributeSourceFile,
    DataSourceFile,
    EntryFile,
    FieldSourceFile,
    JourneyFile,
    LiteralSourceFile,
    SendFile,
    ValidFile,
    WaitFile,
)
from schemas.workspace.model import AttributeSource, DataSource, FieldSource, Journey, LiteralSource, Send
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
    wait_us, send = _compile_steps(place.at("steps"), events, vocabulary)
    if file is None or send is None:
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
        wait_us=wait_us,
        send=send,
    )


def _check_name(place: Place) -> None:
    name, path = place.document.get("name"), place.document.path
    if isinstance(name, str) and name != path.stem:
        place.at("name").add(
            f"expected the file's name {path.stem!r}, found {name!r}; "
            f"rename the journey, or the file to {name}.yaml"
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


def _compile_steps(place: Place, events: tuple[str, ...], vocabulary: Vocabulary) -> tuple[int, Send | None]:
    steps = place.document.get("steps")
    if not isinstance(steps, list) or not steps:
        return 0, None
    kinds = [
        next((key for key in ("wait", "send") if isinstance(step, dict) and key in step), "other")
        for step in steps
    ]
    if "other" not in kinds and kinds not in (["send"], ["wait", "send"]):
        place.add(
            f"expected at most one wait and then one send, found {', '.join(kinds)}; "
            "make further sends journeys of their own"
        )
    wait_us, send = 0, None
    for index, kind in enumerate(kinds):
        here = place.at(index)
        if kind == "wait":
            wait = part(here.document, here.location, WaitFile)
            wait_us = wait.wait if wait is not None else 0
        elif kind == "send":
            file = part(here.document, here.location, SendFile)
            send = _compile_send(here, file, events, vocabulary) if file is not None else None
    return wait_us, send


def _compile_send(place: Place, file: SendFile, events: tuple[str, ...], vocabulary: Vocabulary) -> Send:
    vocabulary.check_channel(place.at("channel"), file.channel)
    data = {
        name: _compile_source(place.at("data", name), source, events, vocabulary)
        for name, source in file.data.items()
    }
    return Send(file.send, file.channel, file.template, data, file.expires_after)


def _compile_source(
    place: Place, file: DataSourceFile, events: tuple[str, ...], vocabulary: Vocabulary
) -> DataSource:
    match file:
        case AttributeSourceFile():
            vocabulary.check_attribute(place.at("attribute"), file.attribute)
            return AttributeSource(file.attribute)
        case FieldSourceFile():
            vocabulary.check_field(place.at("field"), events, file.field)
            return FieldSource(file.field)
        case LiteralSourceFile():
            return LiteralSource(file.value)
