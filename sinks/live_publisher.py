"""The publisher of a running job: decisions to their table, actions to their topics.

Decisions go first, then actions. An outbox is published again, whole, until its commit is acknowledged, so
that a crash in between is mended by the next attempt, whichever goes first: what was recorded is recorded
again under the same id, what was published is published again as the same bytes. Until then

- decisions first: a recorded action may not be out yet. Whoever receives an action can have it explained.
- actions first: an action may be out that no decision knows of. If it were never mended, it would be lost.

What is not the same at the next attempt is the wall clock: an action that was recorded as sent may have
expired since. Then only the record can tell what the first attempt made of it, and only if the record was
written before anything was published. So, for an action that is found expired:

- it is recorded as sent: it is published. The first attempt may have done so already, and a subscriber looks
  at `expires_at` anyway.
- it is not: it is recorded as expired, and never published: the clock only goes on, and so does each
  attempt after this one find it expired, and not recorded as sent.

By that, published ids are ids of `sent` decisions at every moment, and the same set when the outbox is
acknowledged.

Two jobs may publish one outbox, and one of them may stall until an action has expired. What the other one
published then has both on record, `sent` and `expired`: `sent` is right, and the view `decisions` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

import msgspec

from schemas.decision import Decision, Outcome, Reason
from schemas.store import OutboundAction, Outbox


class _Expiry(msgspec.Struct, frozen=True, gc=False):
    expires_at: str


_EXPIRY = msgspec.json.Decoder(_Expiry)


class ActionPublisher(Protocol):
    """Where actions go."""

    def expired(self, actions: Sequence[OutboundAction]) -> list[str]:
        """The ids of those that it is too late for."""
        ...

    def send(self, actions: Sequence[OutboundAction]) -> None:
        """Publishes actions; all are safe when it returns."""
        ...


class DecisionSink(Protocol):
    """Where decisions are recorded."""

    def append(self, decisions: Sequence[Decision]) -> None:
        """Records decisions, each at least once; all are safe when it returns."""
        ...


def none_recorded(decisions: Sequence[Decision]) -> Collection[str]:
    """No decision is on record: for stores that cannot be asked.

    The price: of an action that expires between a crash and the next attempt, the record may say both.
    """
    return ()


class LivePublisher:
    """A `schemas.store.Publisher` of actions and decisions.

    Args:
        recorded_sent: those of these decisions, by `decision_id`, that are on record as sent. It is asked
            only when an action is found expired at another attempt than the first.
    """

    def __init__(
        self,
        actions: ActionPublisher,
        decisions: DecisionSink,
        recorded_sent: Callable[[Sequence[Decision]], Collection[str]] = none_recorded,
    ) -> None:
        self.actions = actions
        self.decisions = decisions
        self.recorded_sent = recorded_sent

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        """Records the decisions, then publishes the actions; all is safe when it returns."""
        actions, decisions = outbox.actions, outbox.decisions
        late = set(self.actions.expired(actions)) if actions else set()
        if late:
            doubtful = [decision for decision in decisions if decision.action_id in late]
            sent = set(self.recorded_sent(doubtful)) if again else set()
            late -= {decision.action_id for decision in doubtful if decision.decision_id in sent}
            dropped: dict[str | None, OutboundAction]
            dropped = {action.action_id: action for action in actions if action.action_id in late}
            actions = [action for action in actions if action.action_id not in late]
            decisions = [
                expired_decision(decision, dropped[decision.action_id])
                if decision.action_id in dropped
                else decision
                for decision in decisions
            ]
        if decisions:
            self.decisions.append(decisions)
        if actions:
            self.actions.send(actions)


def expired_decision(decision: Decision, action: OutboundAction) -> Decision:
    """What becomes of the decision to send an action that was published too late to be of use.

    It passed all gates, and its change to contacts and journeys was committed: both stay as they are.
    """
    return msgspec.structs.replace(
        decision,
        outcome=Outcome.EXPIRED,
        reason=Reason.EXPIRED,
        evidence={**decision.evidence, "expires_at": _EXPIRY.decode(action.body).expires_at},
    )
