"""Engines with all that they need loaded: models and reference data."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from schemas.errors import CjaasError
from schemas.timestamps import SECOND_US
from schemas.workspace.model import Workspace
from transforms.core.engine import Engine
from transforms.models import load_models
from transforms.reference import load_reference, stamps

LOOK_EVERY_US = 30 * SECOND_US
"""So often the files of reference data are looked at."""

_LOG = logging.getLogger(__name__)


def load_engine(workspace: Workspace) -> Engine:
    """A workspace's engine.

    Raises:
        CjaasError: a model or a table can't be loaded.
    """
    return Engine(workspace, load_models(workspace), load_reference(workspace))


class Renewal:
    """Makes the engine of a running job anew when its reference data changes.

    Args:
        now_us: a clock in microseconds.
    """

    def __init__(self, workspace: Workspace, now_us: Callable[[], int]) -> None:
        self._workspace = workspace
        self._now_us = now_us
        self._stamps = stamps(workspace)
        self._looked_us = now_us()
        self._lock = Lock()

    def look(self, use: Callable[[Engine], None]) -> bool | None:
        """Looks at the files every now and then, and puts a new engine to use where they changed.

        Returns:
            Whether they could be used; None where nothing changed. Those that can't are told in the log,
            and the rows of before stay.
        """
        with self._lock:
            now_us = self._now_us()
            if not self._workspace.tables or now_us < self._looked_us + LOOK_EVERY_US:
                return None
            self._looked_us = now_us
            found = stamps(self._workspace)
            if found == self._stamps:
                return None
            self._stamps = found
            try:
                use(load_engine(self._workspace))
            except CjaasError as error:
                _LOG.warning("reference data stays as it was: %s", error)
                return False
            return True
