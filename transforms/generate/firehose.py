"""The firehose: lines of CloudEvents in the order of a period, with what goes wrong on the way."""

from __future__ import annotations

import heapq
import random
from bisect import bisect_right
from collections.abc import Iterator, MutableSequence
from itertools import accumulate

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from schemas.workspace import Workspace
from transforms.generate.clock import Clock, TimeText
from transforms.generate.crowd import Crowd
from transforms.generate.faults import ERRORS, Breaker, Draft, Fault
from transforms.generate.kinds import Kind, compile_kinds, identity_formats
from transforms.generate.leaves import Scene
from transforms.generate.plan import Plan, Tally
from transforms.generate.realism import Realism

_TOO_LARGE_EVERY = 200_000
_COPIES_KEPT = 2048
_COPY_SAMPLE = 1 / 16
_HELD = 16
_HELD_SHARE = 1 / 16
_MOST_PENDING = 1_000_000
_LONGEST_CHAIN = 32
_TRIES = 16
_PUBLISHED = slice(-29, -2)
_FULL_MASKS = 8
_LINKED_SHARE = 0.1
_SPELLED_SHARE = 0.05
_LATEST_US = 3 * DAY_US

# time, number, type, person, rows of the pools, length of the chain so far
_Pending = tuple[int, int, int, int, dict[str, int], int]


class Firehose:
    """Lines for one workspace and plan. Iterate `lines` to the end; then `tally` is complete.

    Memory holds a few thousand lines, the follow-ups that are still to come (a million at most), and
    some bytes for each person.

    Raises:
        WorkspaceError: a hint of realism doesn't fit its field.
    """

    def __init__(self, workspace: Workspace, realism: Realism, plan: Plan) -> None:
        self._workspace = workspace
        self._plan = plan
        # Of the generator's methods only random() is promised to stay the same over Python's versions.
        self._draw = random.Random(plan.seed).random
        self._crowd = Crowd(
            plan.seed,
            plan.people,
            workspace.namespaces,
            realism.people,
            identity_formats(workspace, realism),
            workspace.region,
        )
        self._kinds = compile_kinds(workspace, realism, self._crowd, self._draw, plan.weights)
        self._cumulative = list(accumulate(kind.weight for kind in self._kinds))
        if not self._cumulative or not self._cumulative[-1]:
            self._cumulative = [float(index + 1) for index in range(len(self._kinds))]
        self._clock = Clock(plan.events, plan.start_us, plan.days, realism.hours)
        self._breaker = Breaker(
            workspace,
            [kind.wrong_field for kind in self._kinds],
            [kind.nameless for kind in self._kinds],
            TimeText(),
        )
        self._text = TimeText()
        few = len(workspace.namespaces) <= _FULL_MASKS
        self._known: MutableSequence[int] = bytearray(plan.people) if few else [0] * plan.people
        self._best: MutableSequence[int] = bytearray(plan.people) if few else [0] * plan.people
        self._pending: list[_Pending] = []
        self._numbered = 0
        self._copies: list[tuple[bytes, int]] = []
        self._choices: dict[int, tuple[int, ...]] = {}
        self._id_prefix = f"{plan.seed:x}-"
        self._broken_count = 0
        self._next_too_large = _TOO_LARGE_EVERY - 1
        room_us = workspace.earliest_us - workspace.allowed_lateness_us - MINUTE_US
        self._late_span_us = min(_LATEST_US, room_us)
        self._late_share = plan.late if room_us > 0 else 0.0
        steady = [index for index, kind in enumerate(self._kinds) if kind.done is None] or [0]
        self._commonest = max(steady, key=lambda index: self._kinds[index].weight)
        self._type_counts = [0] * len(self._kinds)
        self._identity_heads = [f'"identitytype":"{name}","identity":"' for name in self._crowd.names]
        self._previous_heads = [
            f'"previousidentitytype":"{name}","previousidentity":"' for name in self._crowd.names
        ]
        self.tally = Tally()

    def lines(self) -> Iterator[bytes]:
        """The lines, without line ends: about in the order of their publish times."""
        draw, tally, held = self._draw, self.tally, [b""] * _HELD
        until_broken = self._plan.broken
        until_copied = until_broken + self._plan.duplicates
        for index in range(self._plan.events):
            now_us = self._clock.at(index, draw())
            chance = draw()
            if chance < until_broken:
                line = self._broken_line(index, now_us)
            elif chance < until_copied and self._copies:
                line = self._copy(now_us)
            else:
                line = self._event(index, now_us)
            tally.events += 1
            if draw() < _HELD_SHARE:
                place = int(draw() * _HELD)
                line, held[place] = held[place], line
                if not line:
                    continue
            yield line
        yield from filter(None, held)
        tally.types = {kind.name: count for kind, count in zip(self._kinds, self._type_counts, strict=True)}
        for fault, count in tally.broken.items():
            error = ERRORS[Fault(fault)].value
            tally.errors[error] = tally.errors.get(error, 0) + count

    def _event(self, index: int, now_us: int) -> bytes:
        draw, lateness_us = self._draw, self._workspace.allowed_lateness_us
        follow_up = self._due(now_us)
        late = False
        if follow_up is not None:
            time_us, _, type_index, person, rows, chain = follow_up
        else:
            time_us, rows, chain = now_us, {}, 0
            type_index, person = self._choose()
            # Follow-ups are never late, so the others make up for them.
            late = self.tally.late < self._late_share * index and draw() < 0.5
        kind = self._kinds[type_index]
        known = self._known[person]
        # A late event is folded nowhere: who is new has to be on time.
        late = late and known != 0 and not kind.punctual
        if late:
            publish_us = now_us
            time_us = now_us - lateness_us - SECOND_US - int(draw() * self._late_span_us)
        else:
            delay = draw()
            longest_us = min(5 * SECOND_US if draw() < 0.98 else 10 * MINUTE_US, lateness_us)
            publish_us = time_us + int(delay * delay * longest_us)
        time_us -= time_us % 1000
        draft, names = self._draft(index, type_index, person, time_us, publish_us, rows)
        if late:
            self.tally.late += 1
        else:
            if not known:
                self.tally.people += 1
            self._known[person] = known | names
            best = names & -names
            if not best & self._best[person]:
                self._best[person] |= best
                self.tally.best_identities += 1
            if kind.done is not None:
                kind.done[person] = 1
            if kind.then and chain < _LONGEST_CHAIN:
                self._schedule(kind, person, time_us, rows, chain + 1)
        self.tally.valid += 1
        self._type_counts[type_index] += 1
        line = self._breaker.line(draft)
        if not late and draw() < _COPY_SAMPLE:
            self._remember(line, time_us)
        return line

    def _due(self, now_us: int) -> _Pending | None:
        """The first follow-up whose time has come."""
        pending = self._pending
        while pending and pending[0][0] <= now_us:
            follow_up = heapq.heappop(pending)
            done = self._kinds[follow_up[2]].done
            if done is None or not done[follow_up[3]]:
                return follow_up
        return None

    def _choose(self) -> tuple[int, int]:
        """A type and a person who can do it."""
        draw, crowd, cumulative = self._draw, self._crowd, self._cumulative
        person = 0
        for _ in range(_TRIES):
            type_index = bisect_right(cumulative, draw() * cumulative[-1])
            chance = draw()
            person = int(chance * chance * crowd.size)
            kind = self._kinds[type_index]
            if kind.known_by and kind.known_by & ~crowd.kind(person):
                continue
            if kind.done is None or not kind.done[person]:
                return type_index, person
        return self._commonest, person

    def _draft(
        self, index: int, type_index: int, person: int, time_us: int, publish_us: int, rows: dict[str, int]
    ) -> tuple[Draft, int]:
        """An event, and the mask of the namespaces that it names the person by.

        Whoever has been seen is named by something that was seen before, so that all of a person's
        events are of one person for the job as well.
        """
        draw, crowd, kind = self._draw, self._crowd, self._kinds[type_index]
        mask = crowd.kind(person)
        written = kind.newest
        if kind.old_share and draw() < kind.old_share:
            written = kind.older[int(draw() * len(kind.older))]
        data = written.make(Scene(person, mask, time_us, rows))
        names = written.named | written.optional & mask
        identity = previous = None
        if kind.envelope is None:
            identity = self._any_of(mask)
            if draw() < _LINKED_SHARE:
                previous = self._any_of(mask)
        elif kind.envelope:
            preferred = kind.envelope
            if kind.anonymous and draw() < kind.anonymous:
                preferred = preferred[::-1]
            identity = next((name for name in preferred if mask >> name & 1), None)
            if identity is None:
                identity = self._any_of(mask)
        if kind.link is not None and mask >> kind.link & 1:
            previous = kind.link
        if identity is not None:
            names |= 1 << identity
        if previous == identity:
            previous = None
        known = self._known[person]
        if known and not known & (names if previous is None else names | 1 << previous):
            previous = (known & -known).bit_length() - 1
        members = written.dataschema
        if identity is not None:
            text = (crowd.spelled if draw() < _SPELLED_SHARE else crowd.value)(person, identity)
            members += f'{self._identity_heads[identity]}{text}",'
        if previous is not None:
            names |= 1 << previous
            members += f'{self._previous_heads[previous]}{crowd.value(person, previous)}",'
        event_id = f"{self._id_prefix}{index:08x}"
        return Draft(event_id, type_index, kind.head, time_us, publish_us, members, data), names

    def _any_of(self, mask: int) -> int:
        """One of the namespaces of a mask."""
        choices = self._choices.get(mask)
        if choices is None:
            choices = tuple(index for index in range(len(self._crowd.names)) if mask >> index & 1)
            self._choices[mask] = choices
        return choices[int(self._draw() * len(choices))]

    def _schedule(self, kind: Kind, person: int, time_us: int, rows: dict[str, int], chain: int) -> None:
        draw, pending = self._draw, self._pending
        for follow_up in kind.then:
            if draw() >= follow_up.share or len(pending) >= _MOST_PENDING:
                continue
            if self._kinds[follow_up.type_index].known_by & ~self._crowd.kind(person):
                continue
            after_us = follow_up.least_us + int(draw() * (follow_up.most_us - follow_up.least_us))
            self._numbered += 1
            about = dict(rows) if follow_up.same else {}
            heapq.heappush(
                pending, (time_us + after_us, self._numbered, follow_up.type_index, person, about, chain)
            )

    def _remember(self, line: bytes, time_us: int) -> None:
        if len(self._copies) < _COPIES_KEPT:
            self._copies.append((line, time_us))
        else:
            self._copies[int(self._draw() * _COPIES_KEPT)] = (line, time_us)

    def _copy(self, now_us: int) -> bytes:
        """A line once more; half of the copies are published later, none so late that it counts as late."""
        self.tally.valid += 1
        self.tally.duplicates += 1
        line, time_us = self._copies[int(self._draw() * len(self._copies))]
        if self._draw() < 0.5 and now_us + HOUR_US < time_us + self._workspace.allowed_lateness_us:
            published = self._text(now_us).encode()
            if published > line[_PUBLISHED]:
                return line[: _PUBLISHED.start] + published + line[_PUBLISHED.stop :]
        return line

    def _broken_line(self, index: int, now_us: int) -> bytes:
        draw, crowd, broken = self._draw, self._crowd, self.tally.broken
        type_index = bisect_right(self._cumulative, draw() * self._cumulative[-1])
        person = int(draw() * crowd.size)
        kind = self._kinds[type_index]
        best = self._any_of(crowd.kind(person))
        draft = Draft(
            id=f"{self._id_prefix}{index:08x}",
            type_index=type_index,
            head=kind.head,
            time_us=now_us,
            publish_us=now_us + int(draw() * SECOND_US),
            identity=f'{self._identity_heads[best]}{crowd.value(person, best)}",',
            data=kind.newest.make(Scene(person, 0, now_us, {})),
        )
        if index >= self._next_too_large:
            self._next_too_large = index + _TOO_LARGE_EVERY
            fault, line = Fault.TOO_LARGE, self._breaker.too_large(draft)
        else:
            fault, line = self._breaker.broken(draft, self._broken_count)
            self._broken_count += 1
        broken[fault.value] = broken.get(fault.value, 0) + 1
        return line
