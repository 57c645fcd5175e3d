"""The engine: one batch of one shard, from the rows read to the commit to be made.

Given the shard's head, the images and the events, everything it returns is determined: the engine run
again over the committed batches gives the same decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from struct import Struct

import msgspec

from schemas.store import Commit, Head, Outbox
from schemas.workspace.model import Workspace
from transforms.core.attribute_values import read_attributes
from transforms.core.decide import Decider, next_deadline
from transforms.core.fold import FoldOutcome, fold, prune
from transforms.core.fold_event import FoldEvent, order
from transforms.core.plan import NO_MODELS, Models, Plan
from transforms.core.profile import MAX_IMAGE_BYTES, Profile, decode_image, encode_image
from transforms.core.record import Decided
from transforms.core.reference import NO_REFERENCE, Reference
from transforms.core.trail import Trail

_FOLDED = FoldOutcome.FOLDED
_pack = Struct(">QqI").pack
"""What a token says of an event: which it is, and what copies may differ in: when published, and what."""
_MEASURED_EVERY_BYTES = MAX_IMAGE_BYTES
"""After so many bytes of data a profile's image is measured within a batch."""
_EVENT_BYTES = 64
"""What an event adds to an image besides its data: a fingerprint, a bucket."""


class Advanced(msgspec.Struct):
    """What a batch comes to.

    Attributes:
        outcomes: what became of its events, counted.
        refused_values: how many values were no numbers that could be summed.
        overflown: how many events were refused because the person's image is full.
    """

    commit: Commit
    outcomes: dict[FoldOutcome, int]
    refused_values: int
    overflown: int


class Engine:
    """Folds and decides for one workspace. Holds compiled plans, no state.

    Args:
        models: the workspace's, loaded.
        reference: the rows of the workspace's tables, loaded.
    """

    def __init__(
        self, workspace: Workspace, models: Models = NO_MODELS, reference: Reference = NO_REFERENCE
    ) -> None:
        self.plan = Plan(workspace, models, reference.tables)
        self._made_from = workspace.fingerprint + reference.digest
        self._decider = Decider(self.plan)

    def advance(
        self,
        shard: int,
        head: Head,
        images: Mapping[str, bytes],
        events: Mapping[str, Sequence[FoldEvent]],
        as_of_us: int,
        trail: Trail | None = None,
    ) -> Advanced:
        """The commit that a batch makes.

        Each person's events are folded and decided in the order of event time, the person's waits in
        between as they fall due; then waits due up to the as-of time end.

        Args:
            images: of those persons in the batch that have one.
            events: the batch, by person; a person may come without events, for its waits.
            as_of_us: the shard's clock.
            trail: where the steps go that runs leave; None where nobody looks on.
        """
        sequence = max(head.sequence + 1, as_of_us // 1000)
        decided = Decided(shard, sequence, [], [], trail)
        advanced = Advanced(
            Commit(shard, head.token, sequence, "", {}, {}, Outbox(decided.actions, decided.decisions)),
            dict.fromkeys(FoldOutcome, 0),
            0,
            0,
        )
        basis = f"{head.token}\n{sequence}\n{as_of_us}\n".encode()
        digest = blake2b(basis + self._made_from, digest_size=16)
        for person_id in sorted(events):
            image = images.get(person_id)
            profile = Profile(person_id) if image is None else decode_image(image)
            ordered = sorted(events[person_id], key=order)
            digest.update(person_id.encode())
            digest.update(b"".join([_pack(e.print64, e.publish_us, e.content32) for e in ordered]))
            self._advance_person(profile, ordered, as_of_us, decided, advanced)
            prune(profile, self.plan)
            self._decider.prune(profile)
            values = read_attributes(profile, self.plan.folds, profile.time_us)
            advanced.commit.images[person_id] = encode_image(profile, sequence, values)
            advanced.commit.deadlines[person_id] = next_deadline(profile)
        advanced.commit = msgspec.structs.replace(advanced.commit, token=digest.hexdigest())
        return advanced

    def _advance_person(
        self,
        profile: Profile,
        events: Sequence[FoldEvent],
        as_of_us: int,
        decided: Decided,
        advanced: Advanced,
    ) -> None:
        plan, decider, outcomes = self.plan, self._decider, advanced.outcomes
        types = plan.types
        folded = 0
        unmeasured = 0
        deadline_us = next_deadline(profile)
        for event in events:
            if deadline_us is not None and deadline_us < event.time_us:
                decider.on_due(profile, min(event.time_us - 1, as_of_us), decided)
                deadline_us = next_deadline(profile)
            unmeasured += event.size_bytes + _EVENT_BYTES
            if unmeasured > _MEASURED_EVERY_BYTES and not profile.overflown:
                self._measure(profile)
                unmeasured = 0
            if profile.overflown:
                advanced.overflown += 1
                decider.overflow(profile, event, decided)
                continue
            outcome, refused = fold(profile, event, plan)
            if outcome is not _FOLDED:
                outcomes[outcome] += 1
                continue
            folded += 1
            advanced.refused_values += refused
            if profile.runs or types[event.type].decides:
                decider.on_event(profile, event, max(event.time_us, profile.time_us), decided)
                deadline_us = next_deadline(profile)
        outcomes[_FOLDED] += folded
        if deadline_us is not None and deadline_us <= as_of_us:
            decider.on_due(profile, as_of_us, decided)

    def _measure(self, profile: Profile) -> None:
        prune(profile, self.plan)
        values = read_attributes(profile, self.plan.folds, profile.time_us)
        profile.overflown = len(encode_image(profile, 0, values)) > MAX_IMAGE_BYTES
