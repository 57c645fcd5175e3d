"""Keeping Beam's logs off the screen."""

from __future__ import annotations

import logging


def silence_logs() -> None:
    """Shows no log below a crash; called before Beam is imported.

    Beam warns of optional clients that a local job does not use, and logs each exception of a step, which
    reaches the caller anyway.
    """
    root = logging.getLogger()
    root.setLevel(logging.CRITICAL)
    # Without any handler Beam's first message would add one.
    if not root.handlers:
        root.addHandler(logging.NullHandler())
