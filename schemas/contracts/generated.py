"""Files that are generated from code: written by a command, compared by `--check`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def json_text(value: Any) -> str:
    """JSON as generated files hold it: indented, keys in their order, a newline at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def stale(files: Mapping[Path, str]) -> list[Path]:
    """The files that are missing or hold something else."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]


def run(command: str, files: Mapping[Path, str], arguments: Sequence[str]) -> int:
    """Writes the files, or with `--check` names the stale ones; gives the exit code."""
    parser = argparse.ArgumentParser(prog=f"python -m {command}", description="Writes generated files.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is stale")
    if parser.parse_args(arguments).check:
        outdated = stale(files)
        for path in outdated:
            sys.stderr.write(f"{path}: differs from what the code gives; run python -m {command}\n")
        return 1 if outdated else 0
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0
