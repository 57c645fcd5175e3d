"""Writes the golden files anew."""

from __future__ import annotations

import sys

from tests.pipelines import golden

if sys.argv[1:] != ["--write"]:
    sys.exit(
        "usage: python -m tests.pipelines.golden --write (pytest tests/pipelines/test_golden.py compares)"
    )
golden.write()
