"""Files of templates and actions, as the APIs take and give them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.cjds.casing import own_key
from schemas.cjds.model import JourneyAction, ViewTemplate, parse
from schemas.cjds.remarks import At, RefusedError, Remark
from schemas.errors import InputError
from schemas.workspace.phrases import found

_BUNDLES = ("templates", "profileViewTemplates", "actions", "journeyActions")
_ACTION_KEYS = ("rules", "actionTriggers")


@dataclass(frozen=True)
class Exports:
    """What the files hold, each part with its place."""

    templates: list[tuple[At, ViewTemplate]]
    actions: list[tuple[At, JourneyAction]]
    remarks: list[Remark]


def read_exports(paths: Iterable[Path]) -> Exports:
    """The templates and actions of files.

    A file is a template, an action, a list of them, an object of lists (`templates`, `actions`), or the
    answer of an API, which has one of these as `data`.

    Raises:
        InputError: a file cannot be read, or is not JSON.
    """
    exports = Exports([], [], [])
    for path in paths:
        whole = _read_json(path)
        for at, value in _parts(At(path, whole, exports.remarks), whole):
            try:
                if own_key(value, "attributes") and not any(own_key(value, key) for key in _ACTION_KEYS):
                    exports.templates.append((at, parse(at, value, ViewTemplate)))
                elif any(own_key(value, key) for key in _ACTION_KEYS):
                    exports.actions.append((at, parse(at, value, JourneyAction)))
                else:
                    what = "a profile view template with attributes, or a journey action with rules"
                    raise RefusedError(at, f"expected {what}, found {_keys(value)}", "give what the API gave")
            except RefusedError as refused:
                refused.tell("it")
    return exports


def _parts(at: At, value: Any) -> Iterator[tuple[At, Any]]:
    if isinstance(value, list):
        for index, part in enumerate(value):
            yield at.at(index), part
        return
    bundles = [key for key in _BUNDLES if isinstance(_member(value, key), list)]
    is_part = own_key(value, "attributes") or own_key(value, "rules")
    if not is_part and own_key(value, "data"):
        yield from _parts(at.at("data"), _member(value, "data"))
    elif not is_part and bundles:
        for key in bundles:
            yield from _parts(at.at(key), _member(value, key))
        told = {own_key(value, key) for key in bundles}
        for key in (key for key in value if key not in told):
            at.at(key).lose(f"is not known, found {found(value[key])}; it is left out: remove it")
    else:
        yield at, value


def _member(value: Any, key: str) -> Any:
    own = own_key(value, key)
    return None if own is None else value[own]


def _keys(value: Any) -> str:
    return f"the keys {', '.join(value) or 'none'}" if isinstance(value, dict) else found(value)


def _read_json(path: Path) -> Any:
    try:
        text = path.read_text("utf-8-sig")
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_float,
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; name a readable file") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: not JSON: {error.msg}; correct it") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: expected UTF-8, found the byte 0x{error.object[error.start]:02x}"
        ) from None
    except ValueError as error:
        raise InputError(f"{path}: {error}; correct it") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply; flatten it") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"expected each key once, found {twice!r} twice in one object")
    return value


def _integer(text: str) -> int:
    if len(text) > 20 or not -(1 << 63) <= int(text) < 1 << 63:
        raise ValueError(f"expected whole numbers of at most 64 bits, found {text[:40]}")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"expected finite numbers, found {text[:40]}")
    return number
