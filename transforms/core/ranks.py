"""Ranks: which of several journeys goes first for a person, where they come at one time."""

from __future__ import annotations

from decimal import Decimal

from schemas.workspace.model import Journey
from transforms.core.action_body import read_source
from transforms.core.plan import Plan
from transforms.core.scope import Scope

Rank = tuple[int, float, str]
"""The lesser goes first: higher priority, then higher propensity, then by name."""


class Ranks:
    """The ranks of one journey."""

    def __init__(self, journey: Journey, plan: Plan) -> None:
        self._source = journey.propensity
        self._plan = plan
        self._rank = (-journey.priority, 0.0, journey.name)

    def rank(self, scope: Scope) -> Rank:
        """The journey's rank for a person."""
        if self._source is None:
            return self._rank
        value = read_source(self._source, scope, self._plan)
        propensity = float(value) if isinstance(value, int | float | Decimal) else 0.0
        return self._rank[0], -propensity, self._rank[2]
