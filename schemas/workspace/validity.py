"""When something is valid: from a time, until another."""

from __future__ import annotations

from schemas.workspace.files import ValidFile
from schemas.workspace.place import Place
from schemas.workspace.validate import part


def check_validity(place: Place) -> None:
    """Tells of an end that does not lie behind the start."""
    valid = part(place.document, place.location, ValidFile)
    if valid is None or valid.since is None or valid.until is None:
        return
    if valid.since >= valid.until:
        since, until = (place.document.get(*place.location, key) for key in ("from", "until"))
        place.at("until").add(
            f"expected a time after from, which is {since}, found {until}; move one of them"
        )
