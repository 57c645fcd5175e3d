"""How tests are shared out to processes: a file is one process's; running jobs share one, and come first."""

from __future__ import annotations

import signal

import pytest

_LIVE = ("test_live_job.py", "test_live_trouble.py", "test_up.py")
"""Files of tests that run services and jobs of many processes: two at once would be short of cores."""


def pytest_configure() -> None:
    """A shell's background jobs ignore interrupts, which tests of interruption wait for."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each test with its group, for `--dist=loadgroup`; the longest group is begun first."""
    for item in items:
        group = "live" if item.path.name in _LIVE else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path.name not in _LIVE)
