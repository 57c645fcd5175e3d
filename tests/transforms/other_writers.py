"""A writer of profiles that is no journey job: it erases persons, and merges them.

It commits as the jobs do: under the shard's head, after what the last commit left undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from schemas.store import Commit, Outbox
from tests.transforms.cluster import Handle
from tests.transforms.history import Change, Life, Lives, Rewrite
from transforms.commit import take_over
from transforms.core.attribute_values import read_attributes
from transforms.core.decide import next_deadline
from transforms.core.plan import Plan
from transforms.core.profile import Profile, decode_image, encode_image
from transforms.core.refold import refold


@dataclass
class Rewriter:
    """Makes rewrites, one commit each.

    Attributes:
        record: is told of a rewrite and the token of its commit, before that is made.
        lives_as_of: all persons as of the commit with a token.
    """

    handle: Handle
    plan: Plan
    now_us: Callable[[], int]
    record: Callable[[str, Rewrite], None]
    lives_as_of: Callable[[str], Lives]

    def rewrite(self, shard: int, asked: Rewrite) -> None:
        store = self.handle
        ids = (asked.person_id, asked.survivor_id)
        while True:
            head = take_over(store, store, shard)
            images = store.images(ids, shard)
            person, survivor = [
                decode_image(images[item]) if item in images else Profile(item) for item in ids
            ]
            sequence = max(head.sequence + 1, self.now_us() // 1000)
            token = blake2b(f"{head.token}\n{sequence}\n{asked}".encode(), digest_size=16).hexdigest()
            changed = self._change(asked, person, survivor, self.lives_as_of(head.token))
            commit = Commit(
                shard,
                head.token,
                sequence,
                token,
                {item.person_id: self._image(item, asked, sequence) for item in changed},
                {item.person_id: next_deadline(item) for item in changed},
                Outbox([], []),
            )
            self.record(token, asked)
            if store.commit(commit):
                break
        store.publish(shard, sequence, commit.outbox)
        store.acknowledge(shard, token)

    def _change(self, asked: Rewrite, person: Profile, survivor: Profile, lives: Lives) -> list[Profile]:
        if asked.change is Change.FORGET:
            return [Profile(person.person_id)]
        emptied = Profile(
            person.person_id, publish_us=person.publish_us, contacts=person.contacts, prints=person.prints
        )
        if asked.change is Change.EMPTY:
            return [emptied]
        return [emptied, self._merged(person, survivor, lives[person.person_id], lives[survivor.person_id])]

    def _merged(self, person: Profile, survivor: Profile, life: Life, surviving: Life) -> Profile:
        merged = refold(survivor.person_id, (life.held | surviving.held).values(), self.plan)
        merged.publish_us = max(person.publish_us, survivor.publish_us)
        merged.prints = person.prints | survivor.prints
        merged.contacts = sorted({*person.contacts, *survivor.contacts}, key=msgspec.structs.astuple)
        # A wait does not go along where the survivor has had the event that began it.
        had = {event.event_id for event in surviving.known.values()}
        runs = {name: run for name, run in person.runs.items() if run.cause[0] not in had}
        merged.runs = dict(sorted((runs | survivor.runs).items()))
        return merged

    def _image(self, profile: Profile, asked: Rewrite, sequence: int) -> bytes:
        version = 0 if asked.change is Change.FORGET else sequence
        return encode_image(profile, version, read_attributes(profile, self.plan.folds, profile.time_us))
