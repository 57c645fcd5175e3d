"""The values of a profile's attributes as of a time: what events folded to, or what journeys wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transforms.core.attributes import AttributeFold
from transforms.core.profile import Profile


def read_attribute(profile: Profile, name: str, folds: Mapping[str, AttributeFold], as_of_us: int) -> Any:
    """An attribute's value, None where it has none.

    Args:
        folds: of the attributes that events are folded into; any other is one that journeys write.
    """
    fold = folds.get(name)
    if fold is None:
        return profile.written_value(name)
    state = profile.attributes.get(name)
    return None if state is None else fold.read(state, as_of_us)


def read_attributes(profile: Profile, folds: Mapping[str, AttributeFold], as_of_us: int) -> dict[str, Any]:
    """Every attribute that has a value, by name."""
    names = (*profile.attributes, *profile.written)
    return {
        name: value for name in names if (value := read_attribute(profile, name, folds, as_of_us)) is not None
    }
