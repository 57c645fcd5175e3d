"""The trail: which steps runs leave, for whoever looks on. A job keeps none."""

from __future__ import annotations

from typing import NamedTuple

from transforms.core.profile import Run
from transforms.core.program import Node


class Passage(NamedTuple):
    """A run leaves a step.

    Attributes:
        run: as it leaves.
        way: which of the node's ways it takes; None for what comes after it.
        decisions: how many decisions had been made by then; behind a message, its own are the last of them.
    """

    journey: str
    run: Run
    node: Node
    way: int | None
    decisions: int


Trail = list[Passage]
