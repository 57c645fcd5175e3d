"""The person that somebody means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schemas.errors import CjaasError, UsageError
from schemas.workspace.model import Workspace
from transforms.core.identity import Identities
from transforms.core.refused import Refused

_HEX = frozenset("0123456789abcdef")


def find_person(
    name: str,
    workspace: Workspace,
    is_known: Callable[[str], bool],
    persons_of: Callable[[str], Sequence[str]],
    hint: str,
) -> str:
    """The id of the person that an identity `namespace:value` or an id names.

    Args:
        is_known: whether there is a person of an id.
        persons_of: the ids of those who were seen with an identity.
        hint: what to do where there is nobody.

    Raises:
        UsageError: it is no identity of this workspace.
        CjaasError: nobody, or more than one person, has it.
    """
    if len(name) == 32 and set(name) <= _HEX:
        if is_known(name):
            return name
        raise CjaasError(f"nobody has the id {name}; {hint}")
    namespace, colon, value = name.partition(":")
    if not colon:
        raise UsageError(
            f"expected an identity such as email:ann@example.com, or a person id, found {name!r}"
        )
    known = [namespace.name for namespace in workspace.namespaces]
    if namespace not in known:
        raise UsageError(f"{name}: expected a namespace of {', '.join(known)}, found {namespace!r}")
    identities = Identities(workspace)
    try:
        identity = identities.identity(namespace, value).text
    except Refused as refused:
        raise UsageError(refused.detail) from None
    own = identities.person_id(identity)
    if is_known(own):
        return own
    found = persons_of(identity)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(found[:5])
        raise CjaasError(f"{identity} was seen with {len(found)} persons: {ids}; name one of them")
    raise CjaasError(f"nobody has the identity {identity}; {hint}")
