"""Entering: whether a run of a journey begins for a person, and whether another one gives way to it."""

from __future__ import annotations

from typing import Any

from schemas.decision import Cause
from schemas.timestamps import format_rfc3339
from schemas.workspace.entries import Reentry
from transforms.core.profile import Profile, Run
from transforms.core.record import Decided, Recorder
from transforms.core.rulings import ENTERED_BEFORE, NO_KEY, UNDER_WAY, Verdict
from transforms.core.run_keys import slot_of
from transforms.core.walk import Walker

_NO_KEY = Verdict(NO_KEY, {})


class Entering:
    """Begins runs, and records why one does not begin."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def enter(
        self,
        profile: Profile,
        walker: Walker,
        cause: Cause,
        as_of_us: int,
        decided: Decided,
        *,
        key: str | None = "",
        print64: int = 0,
        fields: dict[str, list[Any]] | None = None,
    ) -> None:
        """Begins a run, unless the journey's rules are against it.

        Args:
            key: of the run, "" for a journey without keys; None where the event has none.
            print64: the fingerprint of the event.
            fields: the values that the journey reads from it.
        """
        if key is None:
            self._recorder.record(profile, walker.first, cause, as_of_us, decided, _NO_KEY, {})
            return
        reentry = walker.journey.reentry
        slot = slot_of(walker.name, key)
        if reentry is Reentry.ALWAYS:
            slot = f"{slot}/{print64 or cause.time_us:x}"
        verdict = self._refusal(profile, walker, slot, as_of_us)
        if verdict is not None:
            self._recorder.record(profile, walker.first, cause, as_of_us, decided, verdict, {})
            return
        profile.runs.pop(slot, None)
        origin = (cause.event_id, cause.source, cause.type, cause.time_us)
        run = Run(walker.version, "", as_of_us, origin, fields or {}, key=key)
        sent = len(decided.actions)
        waiting = walker.go(profile, slot, run, walker.program.start, as_of_us, decided)
        if waiting is not None:
            profile.runs[slot] = waiting
        if reentry is Reentry.ONCE and (waiting is not None or len(decided.actions) > sent):
            profile.entered[slot] = as_of_us

    def _refusal(self, profile: Profile, walker: Walker, slot: str, as_of_us: int) -> Verdict | None:
        """The verdict if no run may begin, None if one may."""
        reentry = walker.journey.reentry
        under_way = profile.runs.get(slot)
        if under_way is not None and reentry is not Reentry.RESTART:
            return Verdict(UNDER_WAY, {"waits_until": format_rfc3339(under_way.due_us)})
        if reentry is Reentry.ONCE and slot in profile.entered:
            return Verdict(ENTERED_BEFORE, {"entered": format_rfc3339(profile.entered[slot])})
        if walker.sends_at_once:
            return None
        return walker.entry.validity(profile, as_of_us) or walker.entry.cooldown(profile, as_of_us)
