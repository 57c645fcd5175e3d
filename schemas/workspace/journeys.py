"""What a journey's file says: when to act, and how."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from schemas.workspace.compile_entries import compile_entry, compile_exits, compile_optional_condition
from schemas.workspace.compile_sources import Sources
from schemas.workspace.compile_steps import compile_steps
from schemas.workspace.conditions import Scope
from schemas.workspace.entries import EventEntry
from schemas.workspace.files import GoalFile, JourneyFile
from schemas.workspace.model import Goal, Journey
from schemas.workspace.place import Place
from schemas.workspace.step_files import DATA_SOURCE
from schemas.workspace.steps import DataSource
from schemas.workspace.validate import part
from schemas.workspace.validity import check_validity
from schemas.workspace.vocabulary import Vocabulary


def compile_journey(place: Place, file: JourneyFile | None, vocabulary: Vocabulary) -> Journey | None:
    """The journey; None if its file has mistakes of its own, whose sound parts are checked all the same."""
    _check_name(place)
    check_validity(place.at("valid"))
    entry_file, entry = compile_entry(place.at("entry"), vocabulary)
    events = entry.events if isinstance(entry, EventEntry) else None
    keyed = isinstance(entry, EventEntry) and entry.key is not None
    exits = compile_exits(place.at("exit"), vocabulary, keyed or entry_file is None)
    scope = Scope(vocabulary, events, sees_attributes=True)
    condition = compile_optional_condition(place.at("condition"), scope)
    category = None if file is None else file.category
    steps = compile_steps(place.at("steps"), events, vocabulary, category)
    suppress = compile_optional_condition(place.at("suppress"), Scope(vocabulary, None, sees_attributes=True))
    propensity = _propensity(place.at("propensity"), Sources(events, vocabulary))
    goal_file = part(place.document, ("goal",), GoalFile)
    goal = None
    if goal_file is not None:
        several = isinstance(goal_file.event, list)
        goal_events = tuple(goal_file.event) if isinstance(goal_file.event, list) else (goal_file.event,)
        vocabulary.check_events(place.at("goal", "event"), goal_events, several)
        goal = Goal(goal_events, goal_file.within)
    if file is None:
        return None
    if file.use_case is not None:
        vocabulary.check_use_case(place.at("use_case"), file.use_case)
    return Journey(
        name=file.name,
        version=file.version,
        active=file.active,
        category=file.category,
        priority=file.priority,
        valid_from_us=file.valid.since if file.valid else None,
        valid_until_us=file.valid.until if file.valid else None,
        entry=entry,
        reentry=file.entry.reentry,
        cooldown_us=file.entry.cooldown,
        exits=exits,
        condition=condition,
        steps=steps,
        mode=file.mode,
        use_case=file.use_case,
        control_percent=file.control_group,
        suppress=suppress,
        goal=goal,
        propensity=propensity,
    )


def _propensity(place: Place, sources: Sources) -> DataSource | None:
    """Where the propensity comes from, None where nothing says so or it has mistakes, told elsewhere."""
    raw = place.document.get(*place.location)
    if raw is None:
        return None
    try:
        file = DATA_SOURCE.validate_python(raw)
    except ValidationError:
        return None
    return sources.number(place, file)


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
