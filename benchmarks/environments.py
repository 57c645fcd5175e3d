"""Virtual environments of peers whose framework the project does not install."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

from benchmarks.process import ROOT, measured

_PEERS = ROOT / "benchmarks" / "peers"
_VENVS = ROOT / ".data" / "venvs"


def python_of(peer: str) -> Path:
    """The interpreter that runs a peer: its own environment's, made at first, or this one.

    Raises:
        RuntimeError: the environment cannot be made.
    """
    requirements = _PEERS / f"requirements-{peer.removesuffix('_job')}.txt"
    if not requirements.exists():
        return Path(sys.executable)
    directory = _VENVS / f"{peer}-{sha256(requirements.read_bytes()).hexdigest()[:12]}"
    python = directory / "bin" / "python"
    installed = directory / ".installed"
    if not installed.exists():
        print(f"installing {requirements.relative_to(ROOT)} into {directory.relative_to(ROOT)}", flush=True)
        measured([sys.executable, "-m", "venv", "--clear", directory])
        measured([python, "-m", "pip", "install", "--quiet", "--requirement", requirements])
        installed.touch()
    return python
