"""How tests are shared out to processes: a file is one process's; running jobs share one, and come first."""

from __future__ import annotations

import signal
from typing import Any

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

_LIVE = ("test_live_job.py", "test_live_trouble.py", "test_up.py")
"""Files of tests that run services and jobs of many processes: two at once would be short of cores."""


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Deals out files, and all of running jobs as one; xdist's own marks of groups need an older pytest."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "live" if path.endswith(_LIVE) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Any:
    """With `--no-loadscope-reorder` files are dealt out in the order of collection."""
    return _ByFile(config, log)


def pytest_configure() -> None:
    """A shell's background jobs ignore interrupts, which tests of interruption wait for."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest group is begun first."""
    items.sort(key=lambda item: item.path.name not in _LIVE)
