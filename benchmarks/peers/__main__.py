"""Runs one peer: `python -m benchmarks.peers NAME --workspace DIR --input FILE --output DIR`."""

from __future__ import annotations

import argparse
import gc
from importlib import import_module
from pathlib import Path

from benchmarks.peers import PEERS
from benchmarks.peers.parts import Job


def main() -> None:
    """Runs the peer in this process, without cyclic garbage collection."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    peer = import_module(f"benchmarks.peers.{arguments.name}")
    # Rows hold no cycles; collecting them costs every peer up to a third of its time.
    gc.disable()
    arguments.output.mkdir(parents=True)
    peer.run(Job(arguments.workspace, arguments.input, arguments.output))


if __name__ == "__main__":
    main()
