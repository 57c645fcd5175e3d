"""Copies the CDNOW sample out of the installed package `lifetimes` (MIT licence) to a given path."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

_SAMPLE = "lifetimes/datasets/CDNOW_sample.txt"
_SHA256 = "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a"


def sample() -> Path:
    """Where the installed package keeps the sample; the package itself is not imported.

    Raises:
        FileNotFoundError: the package is not installed, or holds another file.
    """
    try:
        path = Path(str(distribution("lifetimes").locate_file(_SAMPLE)))
    except PackageNotFoundError as error:
        raise FileNotFoundError(
            "expected the package lifetimes 0.11.3: pip install lifetimes==0.11.3"
        ) from error
    if hashlib.sha256(path.read_bytes()).hexdigest() != _SHA256:
        raise FileNotFoundError(f"{path}: expected the sample of lifetimes 0.11.3: install that version")
    return path


def main() -> int:
    """Copies the sample to the path on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="the file to write")
    target: Path = parser.parse_args().target
    try:
        source = sample()
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
