"""Watches: what is remembered of a person for journeys that no event enters, and when to look again.

A journey whose entry is a condition is entered when the condition comes to hold, after an event or by the
passage of time; a profile keeps whether it held, and when it may change. A journey with a schedule is
entered at its times; a profile keeps the next one, as long as the condition holds or may come to hold.
"""

from __future__ import annotations

from typing import Protocol
from zoneinfo import ZoneInfo

from schemas.decision import Cause
from schemas.timestamps import format_rfc3339
from schemas.workspace.condition import Condition, leaves
from schemas.workspace.entries import ConditionEntry, ScheduleEntry
from schemas.workspace.model import ANY_EVENT, Journey, Workspace
from transforms.core.attributes import AttributeFold
from transforms.core.changes import next_change_of
from transforms.core.condition import Predicate, compile_condition
from transforms.core.local_time import local_weekday, next_local
from transforms.core.profile import Profile, Watch
from transforms.core.scope import ReadOf, Scope

TIME_PASSED = "cjaas.time_passed"
"""The type of a cause that is no event: a condition came to hold because time passed."""
SCHEDULED = "cjaas.scheduled"
"""The type of a cause that is no event: a time of a schedule came."""


class Watcher(Protocol):
    """Looks whether a journey is entered, and keeps what is to be remembered in the profile."""

    def after_event(self, profile: Profile, as_of_us: int) -> bool:
        """Whether it is entered, now that an event was folded."""

    def when_due(self, profile: Profile, as_of_us: int) -> Cause | None:
        """Why it is entered, now that its watch is due; None if it is not."""


def watcher_of(
    journey: Journey, workspace: Workspace, folds: dict[str, AttributeFold], subject: ReadOf
) -> Watcher | None:
    """Who watches for a journey; None where events enter it."""
    match journey.entry:
        case ConditionEntry(condition):
            return _ConditionWatcher(journey.name, condition, folds, subject)
        case ScheduleEntry() as entry:
            return _ScheduleWatcher(journey.name, entry, ZoneInfo(workspace.time_zone), folds, subject)
    return None


def watched_by(journey: Journey, event_type: str, workspace: Workspace) -> bool:
    """Whether an event of a type may change what is watched for a journey."""
    if not isinstance(journey.entry, ConditionEntry | ScheduleEntry):
        return False
    condition = journey.entry.condition
    if condition is None:
        return True
    watched = {test.subject.name for test in leaves(condition)}
    return any(
        event_type in attribute.events or ANY_EVENT in attribute.events
        for attribute in workspace.attributes
        if attribute.name in watched
    )


class _ConditionWatcher:
    def __init__(
        self, name: str, condition: Condition, folds: dict[str, AttributeFold], subject: ReadOf
    ) -> None:
        self._name = name
        self._holds = compile_condition(condition, subject)
        self._next_change = next_change_of(condition, folds, subject)

    def after_event(self, profile: Profile, as_of_us: int) -> bool:
        return self._look(profile, as_of_us)

    def when_due(self, profile: Profile, as_of_us: int) -> Cause | None:
        return _cause(self._name, TIME_PASSED, as_of_us) if self._look(profile, as_of_us) else None

    def _look(self, profile: Profile, as_of_us: int) -> bool:
        """Whether the condition holds, and did not when it was last looked at."""
        scope = Scope(profile, {}, as_of_us)
        held = self._name in profile.watches and profile.watches[self._name].holds
        holds = self._holds(scope, as_of_us)
        _keep(profile, self._name, holds, self._next_change(scope))
        return holds and not held


class _ScheduleWatcher:
    def __init__(
        self,
        name: str,
        entry: ScheduleEntry,
        zone: ZoneInfo,
        folds: dict[str, AttributeFold],
        subject: ReadOf,
    ) -> None:
        self._name = name
        self._entry = entry
        self._zone = zone
        self._holds: Predicate | None = None
        if entry.condition is not None:
            self._holds = compile_condition(entry.condition, subject)
            self._next_change = next_change_of(entry.condition, folds, subject)

    def after_event(self, profile: Profile, as_of_us: int) -> bool:
        watch = profile.watches.get(self._name)
        if self._holds is not None or watch is None:
            self._look(profile, as_of_us, None if watch is None else watch.due_us)
        return False

    def when_due(self, profile: Profile, as_of_us: int) -> Cause | None:
        return _cause(self._name, SCHEDULED, as_of_us) if self._look(profile, as_of_us, None) else None

    def _look(self, profile: Profile, as_of_us: int, due_us: int | None) -> bool:
        """Whether the condition holds; keeps when the schedule comes next, if it may hold then."""
        if self._holds is None:
            holds = may_hold = True
        else:
            scope = Scope(profile, {}, as_of_us)
            holds = self._holds(scope, as_of_us)
            may_hold = holds or self._next_change(scope) is not None
        next_us = (due_us or self._next(as_of_us)) if may_hold else None
        _keep(profile, self._name, False, next_us)
        return holds

    def _next(self, as_of_us: int) -> int:
        moment_us = next_local(as_of_us, self._entry.minute, self._zone)
        while self._entry.days is not None and local_weekday(moment_us, self._zone) not in self._entry.days:
            moment_us = next_local(moment_us, self._entry.minute, self._zone)
        return moment_us


def _keep(profile: Profile, name: str, holds: bool, due_us: int | None) -> None:
    """Keeps a watch, if there is anything to remember."""
    if holds or due_us is not None:
        profile.watches[name] = Watch(holds, due_us)
    else:
        profile.watches.pop(name, None)


def _cause(name: str, what: str, at_us: int) -> Cause:
    return Cause(format_rfc3339(at_us), f"journeys/{name}", what, at_us)
