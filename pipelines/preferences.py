"""What a person allows, is subscribed to and prefers, with what they said, when and where."""

from __future__ import annotations

from typing import Any

import msgspec

from schemas.action import Category
from schemas.decision import Reason
from schemas.timestamps import format_rfc3339
from schemas.workspace.model import Workspace
from schemas.workspace.policy import ConsentRule
from transforms.core.nominees import nominees_of
from transforms.core.permissions import Standing, consent_to, permission, subscription_to
from transforms.core.profile import Profile
from transforms.core.statements import PREFERENCE, Statement, statement_paths, suppression_of


class Said(msgspec.Struct, frozen=True):
    """What was said last about one thing, since when it stands, and where it was said."""

    value: Any
    time: str
    event_id: str
    source: str


class CategoryView(msgspec.Struct, frozen=True):
    """Whether, and through what, messages of a category may be sent.

    Attributes:
        said: of all channels, `value` whether the consent was given; None for never.
        channels: what was said of single channels, where that stands instead.
        through: the channels that a message may go through now, the best first.
        reason: why it may go through none; None where it may.
    """

    rule: ConsentRule
    said: Said | None
    channels: dict[str, Said]
    may_be_sent: bool
    through: tuple[str, ...]
    reason: Reason | None


class UseCaseView(msgspec.Struct, frozen=True):
    """Whether a use case is on.

    Attributes:
        on: in channels that nothing else is said of.
        said: of all channels; None for never, so that the default stands.
        channels: what was said of single channels, where that stands instead.
    """

    on: bool
    by_default: bool
    said: Said | None
    channels: dict[str, Said]


class ListView(msgspec.Struct, frozen=True):
    """Whether the person is on a suppression list.

    Attributes:
        category: that it keeps back; None for commercial and advisory.
    """

    list: str
    category: str | None
    said: Said


class NomineeView(msgspec.Struct, frozen=True):
    """Who is told of a use case as well."""

    use_case: str
    identity: str
    said: Said


class PreferencesView(msgspec.Struct, frozen=True):
    """All that stands about one person.

    Attributes:
        preferences: by name, None for what they never said.
    """

    person_id: str
    categories: dict[str, CategoryView]
    use_cases: dict[str, UseCaseView]
    preferences: dict[str, Said | None]
    suppression_lists: tuple[ListView, ...]
    nominees: tuple[NomineeView, ...]


def preferences_of(profile: Profile, workspace: Workspace) -> PreferencesView:
    """What stands about a person now, decided as the gates decide."""
    statements = profile.consents
    return PreferencesView(
        profile.person_id,
        {category.value: _category(profile, workspace, category) for category in Category},
        {name: _use_case(profile, workspace, name) for name in workspace.policy.use_cases},
        {name: _said(statements.get(f"preference/{name}")) for name in statement_paths(PREFERENCE)},
        tuple(
            ListView(*about, _told(said))
            for key, said in sorted(statements.items())
            if (about := suppression_of(key)) is not None
        ),
        tuple(
            NomineeView(use_case, nominee.identity, _told(nominee.said))
            for use_case, nominees in sorted(nominees_of(statements).items())
            for nominee in nominees
        ),
    )


def _category(profile: Profile, workspace: Workspace, category: Category) -> CategoryView:
    rule = workspace.policy.consents[category]
    statements = profile.consents
    general = consent_to(statements, category, rule)
    in_channels = {name: consent_to(statements, category, rule, name) for name in workspace.channels}
    allowed = permission(profile, workspace, category)
    return CategoryView(
        rule,
        _said(general.said),
        _differing(general, in_channels),
        bool(allowed.channels),
        allowed.channels,
        allowed.reason,
    )


def _use_case(profile: Profile, workspace: Workspace, name: str) -> UseCaseView:
    use_case = workspace.policy.use_cases[name]
    general = subscription_to(profile.consents, use_case)
    in_channels = {
        channel: subscription_to(profile.consents, use_case, channel) for channel in workspace.channels
    }
    return UseCaseView(
        general.allowed, use_case.subscribed, _said(general.said), _differing(general, in_channels)
    )


def _differing(general: Standing, in_channels: dict[str, Standing]) -> dict[str, Said]:
    """What stands in single channels by a statement of their own."""
    return {
        channel: _told(standing.said)
        for channel, standing in in_channels.items()
        if standing.said is not None and standing.said != general.said
    }


def _said(statement: Statement | None) -> Said | None:
    return None if statement is None else _told(statement)


def _told(statement: Statement) -> Said:
    return Said(statement.value, format_rfc3339(statement.time_us), statement.event_id, statement.source)
