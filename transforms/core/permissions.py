"""Permissions: what follows from what a person said, for gates and for whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from schemas.action import Category
from schemas.decision import Reason
from schemas.workspace.model import Channel, Journey, Workspace
from schemas.workspace.policy import SOLICITING, ConsentRule, Policy, UseCase
from transforms.core.gate import preference
from transforms.core.profile import Profile
from transforms.core.shares import share_of
from transforms.core.statements import Statement, consent_key, subscription_key, suppression_of

Statements = Mapping[str, Statement]
"""A person's, by what they are about."""


class Standing(NamedTuple):
    """What stands about one thing.

    Attributes:
        said: what the person said last; None where they never did, and the default decides.
    """

    allowed: bool
    said: Statement | None


class ControlGroup(NamedTuple):
    """So many percent of the persons, who get nothing; of a `global` or a `journey` kind."""

    kind: str
    salt: str
    percent: float


class Reached(NamedTuple):
    """Whether a channel reaches a person, and where; the address is None where the channel looks it up."""

    is_reached: bool
    address: str | None


class Permission(NamedTuple):
    """Through which channels a person may be sent to, the best first; without any the reason why."""

    channels: tuple[str, ...]
    reason: Reason | None


def permission(profile: Profile, workspace: Workspace, category: Category) -> Permission:
    """What a person lets messages of a category be sent through now, as their gates decide, in that order.

    What depends on a journey, on attributes, on the time, or on what was sent before, is not looked at.
    """
    policy, solicits = workspace.policy, category in SOLICITING
    if solicits and control_group_of(profile.person_id, control_groups(policy)) is not None:
        return Permission((), Reason.CONTROL_GROUP)
    rule = policy.consents[category]
    channels = tuple(
        channel
        for channel in workspace.channels
        if consent_to(profile.consents, category, rule, channel).allowed
    )
    if not channels:
        return Permission((), Reason.NO_CONSENT)
    channels = wanted_channels(profile, channels, solicits)
    if not channels:
        return Permission((), Reason.CHANNEL_NOT_WANTED)
    channels = tuple(
        channel for channel in channels if reached_through(profile, workspace.channels[channel]).is_reached
    )
    if not channels:
        return Permission((), Reason.NO_ADDRESS)
    if suppressing_list(profile.consents, category) is not None:
        return Permission((), Reason.SUPPRESSION_LIST)
    return Permission(channels, None)


def control_groups(policy: Policy, journey: Journey | None = None) -> list[ControlGroup]:
    """The groups that hold somebody out, of a workspace and of a journey."""
    groups = [ControlGroup("global", "control", policy.control_percent)]
    if journey is not None:
        groups.append(ControlGroup("journey", f"control\x1f{journey.name}", journey.control_percent))
    return [group for group in groups if group.percent > 0]


def control_group_of(person_id: str, groups: Sequence[ControlGroup]) -> ControlGroup | None:
    """The first of the groups that a person belongs to."""
    for group in groups:
        if share_of(person_id, group.salt, (group.percent,)) is not None:
            return group
    return None


def consent_to(
    statements: Statements, category: Category, rule: ConsentRule, channel: str | None = None
) -> Standing:
    """Whether a rule lets messages of a category through a channel; None for what was said of all."""
    said = _latest(statements, consent_key(category), consent_key(category, channel))
    if rule is ConsentRule.NOT_NEEDED:
        return Standing(True, said)
    return Standing(rule is ConsentRule.OPT_OUT if said is None else said.value, said)


def subscription_to(statements: Statements, use_case: UseCase, channel: str | None = None) -> Standing:
    """Whether a use case is on in a channel; None for what was said of all."""
    said = _latest(statements, subscription_key(use_case.name), subscription_key(use_case.name, channel))
    return Standing(use_case.subscribed if said is None else said.value, said)


def wanted_channels(profile: Profile, offered: tuple[str, ...], solicits: bool) -> tuple[str, ...]:
    """The channels that the person wants, the best first; the others last, where nothing is solicited."""
    wanted = preference(profile, "channels") if profile.consents else None
    if wanted is None:
        return offered
    chosen = [channel for channel in wanted if channel in offered]
    if not solicits:
        chosen += [channel for channel in offered if channel not in wanted]
    return tuple(chosen)


def reached_through(profile: Profile, channel: Channel) -> Reached:
    """Whether a channel reaches a person: at the identity of its namespace that was first seen last."""
    if channel.address is None:
        return Reached(True, None)
    prefix = f"{channel.address}:"
    known = [(seen, text) for text, seen in profile.identities.items() if text.startswith(prefix)]
    return Reached(True, max(known)[1].removeprefix(prefix)) if known else Reached(False, None)


def suppressing_list(statements: Statements, category: Category) -> tuple[str, Statement] | None:
    """The first list that the person is on and that keeps messages of a category back."""
    for key, said in statements.items():
        about = suppression_of(key)
        if about is not None and said.value:
            name, of = about
            if of == category or (of is None and category in SOLICITING):
                return name, said
    return None


def _latest(statements: Statements, *keys: str) -> Statement | None:
    """The one of what was said about several things that stands."""
    made = [statements[key] for key in keys if key in statements]
    return max(made, key=lambda said: (said.time_us, said.event_id, said.source), default=None)
