"""What messages.yaml says, with its names checked, and what journeys make of it."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.action import Category
from schemas.workspace.message_files import MessageFile, MessagesFile
from schemas.workspace.messages import Datum, MessageTemplate
from schemas.workspace.phrases import listed, unknown
from schemas.workspace.place import Place, tell_repeated
from schemas.workspace.shape import Shape
from schemas.workspace.validity import check_validity
from schemas.workspace.vocabulary import Vocabulary

_CONTAINERS = {"list": "list", "map": "object"}


def compile_messages(place: Place, file: MessagesFile, vocabulary: Vocabulary) -> dict[str, MessageTemplate]:
    """The templates by name; tells of names that are not known or stand twice."""
    here = place.at("messages")
    tell_repeated(
        "message template", ((here.at(index, "name"), item.name) for index, item in enumerate(file.messages))
    )
    templates = [_template(here.at(index), item, vocabulary) for index, item in enumerate(file.messages)]
    return {template.name: template for template in templates}


def _template(place: Place, file: MessageFile, vocabulary: Vocabulary) -> MessageTemplate:
    for index, channel in enumerate(file.channels or ()):
        vocabulary.check_channel(place.at("channels", index), channel)
    tell_repeated(
        "language", ((place.at("languages", index), item) for index, item in enumerate(file.languages))
    )
    tell_repeated(
        "name of a value",
        ((place.at("data", index, "name"), item.name) for index, item in enumerate(file.data)),
    )
    check_validity(place.at("valid"))
    return MessageTemplate(
        name=file.name,
        category=file.category,
        channels=None if file.channels is None else frozenset(file.channels),
        languages=tuple(file.languages),
        valid_from_us=file.valid.since if file.valid else None,
        valid_until_us=file.valid.until if file.valid else None,
        data={item.name: Datum(item.name, item.kind, item.required) for item in file.data},
    )


def check_send(
    place: Place,
    template: MessageTemplate,
    category: Category | None,
    channels: tuple[str, ...],
    data: Mapping[str, frozenset[Shape]],
) -> None:
    """Tells where a step that sends, at this place, does not fit its template.

    Args:
        category: of the journey; None where it is not known.
        channels: those that it goes through and the workspace has.
        data: the shapes of what it fills the template with, by name; none where they are not known.
    """
    name = template.name
    if category is not None and category is not template.category:
        place.at("template").add(
            f"expected a template for {category} messages, found {name!r}, which is {template.category}; "
            "name another one, or change a category"
        )
    missing = [channel for channel in channels if channel not in (template.channels or channels)]
    if missing:
        place.at("channel").add(
            f"expected channels that have template {name!r}: {listed(sorted(template.channels or ()))}, "
            f"found {listed(missing)}; change the channel, or add it to the template in messages.yaml"
        )
    for given, shapes in data.items():
        datum = template.data.get(given)
        if datum is None:
            place.at("data", given).add(
                unknown(f"value of template {name!r}", given, template.data, "add it in messages.yaml")
            )
            continue
        for misfit in sorted(str(shape) for shape in shapes if not _fits(shape, datum.kind)):
            place.at("data", given).add(f"expected a {datum.kind} for {given}, found {misfit}; take another")
    for datum in template.data.values():
        if datum.required and datum.name not in data:
            place.at("template").add(
                f"expected data for {datum.name}, which template {name!r} needs, found none; add it to data"
            )


def _fits(shape: Shape, kind: str) -> bool:
    if shape.container != "one":
        return _CONTAINERS[shape.container] == kind
    return shape.kind in (kind, "any") or (kind == "text" and shape.kind in ("date", "timestamp", "bytes"))
