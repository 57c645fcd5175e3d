"""Gates of permission: control groups, consent, subscriptions, wanted channels, an address."""

from __future__ import annotations

from typing import Any

from schemas.timestamps import format_rfc3339
from schemas.workspace.policy import ConsentRule
from transforms.core.gate import Candidate, Gate, Message, latest, preference
from transforms.core.profile import Profile
from transforms.core.rulings import (
    CHANNEL_NOT_WANTED,
    CONTROL_GROUP,
    NO_ADDRESS,
    NO_CONSENT,
    NOT_SUBSCRIBED,
    Verdict,
)
from transforms.core.shares import share_of
from transforms.core.statements import Statement, consent_key, subscription_key


def permission_gates(message: Message) -> list[Gate]:
    """The gates of one message, in their order, without those that let all pass."""
    gates = [_control_group(message)] if message.solicits else []
    gates += [_consent(message), _subscription(message)]
    if message.send.channels:
        gates += [_wanted(message), _address(message)]
    return [gate for gate in gates if gate is not None]


def _control_group(message: Message) -> Gate | None:
    policy, journey = message.plan.workspace.policy, message.journey
    groups = [
        (group, salt, percent)
        for group, salt, percent in (
            ("global", "control", policy.control_percent),
            ("journey", f"control\x1f{journey.name}", journey.control_percent),
        )
        if percent > 0
    ]
    if not groups:
        return None

    def gate(candidate: Candidate) -> Verdict | None:
        for group, salt, percent in groups:
            if share_of(candidate.profile.person_id, salt, (percent,)) is not None:
                return Verdict(CONTROL_GROUP, {"group": group, "percent": percent})
        return None

    return gate


def _consent(message: Message) -> Gate | None:
    category = message.category
    rule = message.plan.workspace.policy.consents[category]
    if rule is ConsentRule.NOT_NEEDED:
        return None
    needed = rule is ConsentRule.OPT_IN
    general = consent_key(category)

    def gate(candidate: Candidate) -> Verdict | None:
        consents = candidate.profile.consents
        said = None
        allowed = []
        for channel in candidate.channels:
            said = latest(consents.get(general), consents.get(consent_key(category, channel)))
            if not needed if said is None else said.value:
                allowed.append(channel)
        if allowed:
            candidate.channels = tuple(allowed)
            return None
        return Verdict(NO_CONSENT, {"category": category.value, "rule": rule.value, **_said(said)})

    return gate


def _subscription(message: Message) -> Gate | None:
    use_case = message.journey.use_case
    if use_case is None:
        return None
    by_default = message.plan.workspace.policy.use_cases[use_case].subscribed
    general = subscription_key(use_case)

    def gate(candidate: Candidate) -> Verdict | None:
        consents = candidate.profile.consents
        said = None
        allowed = []
        for channel in candidate.channels:
            said = latest(consents.get(general), consents.get(subscription_key(use_case, channel)))
            if by_default if said is None else said.value:
                allowed.append(channel)
        if allowed:
            candidate.channels = tuple(allowed)
            return None
        return Verdict(NOT_SUBSCRIBED, {"use_case": use_case, **_said(said)})

    return gate


def _wanted(message: Message) -> Gate:
    """The channels that the person wants come first; what they do not want is not solicited through."""
    solicits = message.solicits

    def gate(candidate: Candidate) -> Verdict | None:
        wanted = preference(candidate.profile, "channels") if candidate.profile.consents else None
        if wanted is None:
            return None
        offered = candidate.channels
        chosen = [channel for channel in wanted if channel in offered]
        if not solicits:
            chosen += [channel for channel in offered if channel not in wanted]
        if not chosen:
            return Verdict(CHANNEL_NOT_WANTED, {"channels": list(offered), "wanted": wanted})
        candidate.channels = tuple(chosen)
        return None

    return gate


def _address(message: Message) -> Gate:
    """The first channel that reaches the person is taken."""
    channels = message.plan.workspace.channels
    prefixes = {
        name: None if channels[name].address is None else f"{channels[name].address}:"
        for name in message.send.channels
    }

    def gate(candidate: Candidate) -> Verdict | None:
        for channel in candidate.channels:
            prefix = prefixes[channel]
            address = None if prefix is None else _newest_address(candidate.profile, prefix)
            if prefix is None or address is not None:
                candidate.channels = (channel,)
                candidate.address = address
                return None
        missing = [(channel, channels[channel].address) for channel in candidate.channels]
        if len(missing) == 1:
            return Verdict(NO_ADDRESS, {"channel": missing[0][0], "namespace": missing[0][1]})
        return Verdict(NO_ADDRESS, {"channels": dict(missing)})

    return gate


def _newest_address(profile: Profile, prefix: str) -> str | None:
    """The person's identity in a namespace that was first seen last."""
    known = [(seen, text) for text, seen in profile.identities.items() if text.startswith(prefix)]
    return max(known)[1].removeprefix(prefix) if known else None


def _said(said: Statement | None) -> dict[str, Any]:
    """What a person said, as evidence."""
    if said is None:
        return {"said": None}
    return {"said": said.value, "at": format_rfc3339(said.time_us), "source": said.source}
