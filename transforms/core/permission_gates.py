"""Gates of permission: control groups, consent, subscriptions, wanted channels, an address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.timestamps import format_rfc3339
from schemas.workspace.policy import ConsentRule
from transforms.core.gate import Candidate, Gate, Message, preference
from transforms.core.permissions import (
    Standing,
    Statements,
    consent_to,
    control_group_of,
    control_groups,
    reached_through,
    subscription_to,
    wanted_channels,
)
from transforms.core.rulings import (
    CHANNEL_NOT_WANTED,
    CONTROL_GROUP,
    NO_ADDRESS,
    NO_CONSENT,
    NOT_SUBSCRIBED,
    Ruling,
    Verdict,
)
from transforms.core.statements import Statement


def permission_gates(message: Message) -> list[Gate]:
    """The gates of one message, in their order, without those that let all pass."""
    gates = [_control_group(message)] if message.solicits else []
    gates += [_consent(message), _subscription(message)]
    if message.send.channels:
        gates += [_wanted(message), _address(message)]
    return [gate for gate in gates if gate is not None]


def _control_group(message: Message) -> Gate | None:
    groups = control_groups(message.plan.workspace.policy, message.journey)
    if not groups:
        return None

    def gate(candidate: Candidate) -> Verdict | None:
        group = control_group_of(candidate.profile.person_id, groups)
        return (
            None if group is None else Verdict(CONTROL_GROUP, {"group": group.kind, "percent": group.percent})
        )

    return gate


def _consent(message: Message) -> Gate | None:
    category = message.category
    rule = message.plan.workspace.policy.consents[category]
    if rule is ConsentRule.NOT_NEEDED:
        return None
    evidence = {"category": category.value, "rule": rule.value}
    return _allowing(
        lambda statements, channel: consent_to(statements, category, rule, channel), NO_CONSENT, evidence
    )


def _subscription(message: Message) -> Gate | None:
    name = message.journey.use_case
    if name is None:
        return None
    use_case = message.plan.workspace.policy.use_cases[name]
    return _allowing(
        lambda statements, channel: subscription_to(statements, use_case, channel),
        NOT_SUBSCRIBED,
        {"use_case": name},
    )


def _allowing(
    standing_of: Callable[[Statements, str], Standing], refusal: Ruling, evidence: dict[str, Any]
) -> Gate:
    """The channels are left that the person allows."""

    def gate(candidate: Candidate) -> Verdict | None:
        statements = candidate.profile.consents
        said = None
        allowed = []
        for channel in candidate.channels:
            is_allowed, said = standing_of(statements, channel)
            if is_allowed:
                allowed.append(channel)
        if allowed:
            candidate.channels = tuple(allowed)
            return None
        return Verdict(refusal, {**evidence, **_said(said)})

    return gate


def _wanted(message: Message) -> Gate:
    """The channels that the person wants come first; what they do not want is not solicited through."""
    solicits = message.solicits

    def gate(candidate: Candidate) -> Verdict | None:
        offered, profile = candidate.channels, candidate.profile
        chosen = wanted_channels(profile, offered, solicits)
        if not chosen:
            wanted = preference(profile, "channels")
            return Verdict(CHANNEL_NOT_WANTED, {"channels": list(offered), "wanted": wanted})
        candidate.channels = chosen
        return None

    return gate


def _address(message: Message) -> Gate:
    """The first channel that reaches the person is taken."""
    channels = message.plan.workspace.channels

    def gate(candidate: Candidate) -> Verdict | None:
        for channel in candidate.channels:
            reached = reached_through(candidate.profile, channels[channel])
            if reached.is_reached:
                candidate.channels = (channel,)
                candidate.address = reached.address
                return None
        missing = [(channel, channels[channel].address) for channel in candidate.channels]
        if len(missing) == 1:
            return Verdict(NO_ADDRESS, {"channel": missing[0][0], "namespace": missing[0][1]})
        return Verdict(NO_ADDRESS, {"channels": dict(missing)})

    return gate


def _said(said: Statement | None) -> dict[str, Any]:
    """What a person said, as evidence."""
    if said is None:
        return {"said": None}
    return {"said": said.value, "at": format_rfc3339(said.time_us), "source": said.source}
