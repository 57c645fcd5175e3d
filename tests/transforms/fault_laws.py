"""The laws of the keyed step, held against all that was committed, written and published."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from schemas.action import Action
from schemas.decision import Decision, Outcome
from schemas.store import NO_TOKEN, Commit, Head, OutboundAction, Outbox
from schemas.timestamps import datetime_us
from tests.transforms.cluster import Cluster
from tests.transforms.history import Asked, Batch, Lives
from transforms.core.engine import Engine
from transforms.core.fold import prune
from transforms.core.fold_event import FoldEvent
from transforms.core.profile import decode_image, facts
from transforms.core.refold import refold


def check_laws(engine: Engine, cluster: Cluster, asked: Asked, events: Sequence[FoldEvent]) -> None:
    """Holds once all events are settled and all waits are over.

    Nothing is lost, nothing is there twice, no cooldown is broken; what was published is what was
    committed; and the committed batches, executed one after another, give the same commits.
    """
    history = _History(engine, asked)
    for commit in cluster.committed:
        history.follow(commit)
    assert len({commit.token for commit in cluster.committed}) == len(cluster.committed)
    assert history.event_ids == {event.event_id for event in events}
    assert {person: image for person, (_, image) in cluster.rows.items()} == history.images
    assert not any(decode_image(image).runs for image in history.images.values()), "a wait never ended"
    _check_published(cluster)


class _History:
    """Commits one after another, each held against the laws as it comes."""

    def __init__(self, engine: Engine, asked: Asked) -> None:
        self._engine = engine
        self._cooldowns_us = {item.name: item.cooldown_us for item in engine.plan.workspace.journeys}
        self._asked = asked
        self._heads: dict[int, Head] = {}
        self._lives = Lives()
        self.images: dict[str, bytes] = {}
        self.event_ids: set[str] = set()

    def follow(self, commit: Commit) -> None:
        """Takes the next commit in."""
        asked = self._asked[commit.token]
        head = self._heads.get(commit.shard, Head(0, NO_TOKEN, None))
        assert commit.expected_token == head.token
        assert commit.sequence > head.sequence
        self._lives.take_in(asked)
        if isinstance(asked, Batch):
            self._repeat(commit, asked, head)
            self.event_ids |= {event.event_id for events in asked.events.values() for event in events}
        for action in commit.outbox.actions:
            self._act(action)
        self._heads[commit.shard] = Head(commit.sequence, commit.token, None)
        self.images |= commit.images
        for person_id, image in commit.images.items():
            held = self._lives[person_id].held.values()
            assert self._facts(image) == facts(refold(person_id, held, self._engine.plan))

    def _repeat(self, commit: Commit, batch: Batch, head: Head) -> None:
        """The batch executed again, in whatever order its events come, gives the same commit."""
        events = {person: list(reversed(events)) for person, events in batch.events.items()}
        images = {person: self.images[person] for person in events if person in self.images}
        again = self._engine.advance(batch.shard, head, images, events, batch.as_of_us).commit
        assert msgspec.structs.replace(again, woken=commit.woken) == commit

    def _act(self, outbound: OutboundAction) -> None:
        action = Action.model_validate_json(outbound.body)
        life = self._lives[action.person_id]
        assert action.action_id not in life.action_ids, "an action is decided twice"
        life.action_ids.add(action.action_id)
        at_us, cooldown_us = datetime_us(action.decided_at), self._cooldowns_us[action.journey] or 0
        gaps = [abs(at_us - other_us) for name, other_us in life.contacts if name == action.journey]
        assert all(gap >= cooldown_us for gap in gaps), "a cooldown is broken"
        life.contacts.add((action.journey, at_us))

    def _facts(self, image: bytes) -> bytes:
        profile = decode_image(image)
        prune(profile, self._engine.plan)
        return facts(profile)


def _check_published(cluster: Cluster) -> None:
    """What was published, however often, is what was committed, to the byte; actions are those decided."""
    actions, decisions = _contents(cluster.published)
    assert (actions, decisions) == _contents([commit.outbox for commit in cluster.committed])
    sent = {item.action_id for item in decisions.values() if item.outcome is Outcome.SENT}
    assert sent == {action_id for action_id, _ in actions}


def _contents(outboxes: Sequence[Outbox]) -> tuple[set[tuple[str, bytes]], dict[bytes, Decision]]:
    return (
        {(item.action_id, item.body) for outbox in outboxes for item in outbox.actions},
        {msgspec.json.encode(item): item for outbox in outboxes for item in outbox.decisions},
    )
