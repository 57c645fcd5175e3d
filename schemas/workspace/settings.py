"""What workspace.yaml says: namespaces, channels and the secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from schemas.avro import Registry
from schemas.avro.positions import parse
from schemas.errors import Problem
from schemas.workspace.document import Location, key_path
from schemas.workspace.files import ChannelFile, ContextFile, ModelFile, NamespaceFile
from schemas.workspace.model import Channel, Context, Model, Namespace
from schemas.workspace.phrases import unknown
from schemas.workspace.place import Place, tell_repeated
from schemas.workspace.shape import Shape
from schemas.workspace.validate import part
from schemas.workspace.vocabulary import Vocabulary

SECRET_MIN_BYTES = 16


def compile_namespaces(place: Place) -> tuple[Namespace, ...]:
    """The namespaces, best first; tells of those that contradict each other or themselves."""
    namespaces = []
    entries = _entries(place)
    tell_repeated("name", ((here.at("name"), raw.get("name")) for here, raw in entries))
    tell_repeated("priority", ((here.at("priority"), raw.get("priority")) for here, raw in entries))
    for here, _ in entries:
        file = part(here.document, here.location, NamespaceFile)
        if file is None:
            continue
        if file.unique and (file.max_per_person or 1) > 1:
            here.at("max_per_person").add(
                f"expected at most 1 in a unique namespace, found {file.max_per_person}; remove it or unique"
            )
        namespaces.append(
            Namespace(file.name, file.priority, file.unique, file.max_per_person, file.normalizer)
        )
    return tuple(sorted(namespaces, key=lambda namespace: namespace.priority))


def compile_channels(place: Place, vocabulary: Vocabulary) -> dict[str, Channel]:
    """The channels by name; tells of names that stand twice and of addresses in unknown namespaces."""
    channels = {}
    entries = _entries(place)
    tell_repeated("name", ((here.at("name"), raw.get("name")) for here, raw in entries))
    for here, _ in entries:
        file = part(here.document, here.location, ChannelFile)
        if file is None:
            continue
        if file.address is not None:
            vocabulary.check_namespace(here.at("address"), file.address)
        given = file.context
        context = None if given is None else Context(tuple(given.attributes), given.contacts)
        channels[file.name] = Channel(file.name, file.address, context)
    return channels


def check_contexts(place: Place, vocabulary: Vocabulary) -> None:
    """Tells of attributes in the contexts of channels that are not known."""
    for here, _ in _entries(place):
        file = part(here.document, (*here.location, "context"), ContextFile)
        for index, name in enumerate(() if file is None else file.attributes):
            vocabulary.check_attribute(here.at("context", "attributes", index), name)


def compile_models(place: Place, vocabulary: Vocabulary) -> dict[str, Model]:
    """The models by name; tells of files that are not there and of attributes that are not known."""
    models = {}
    entries = _entries(place)
    tell_repeated("name", ((here.at("name"), raw.get("name")) for here, raw in entries))
    for here, _ in entries:
        file = part(here.document, here.location, ModelFile)
        if file is None:
            continue
        path = here.document.path.parent / file.file
        if not path.is_file():
            here.at("file").add(
                f"expected a model's file, found none at {file.file!r}; train it, or check the path"
            )
        for index, name in enumerate(file.inputs):
            shape = vocabulary.check_attribute(here.at("inputs", index), name)
            if shape is not None and shape not in (Shape("number"), Shape("any")):
                here.at("inputs", index).add(
                    f"expected a number, found {name!r}, which is {shape}; name another"
                )
        models[file.name] = Model(file.name, path, tuple(file.inputs))
    return models


def read_secret(place: Place, source: str, directory: Path, environment: Mapping[str, str]) -> bytes:
    """The secret that `file:PATH` or `env:NAME` leads to, without a newline at its end."""
    where, _, name = source.partition(":")
    if where == "env":
        if name not in environment:
            place.add(f"expected the environment variable {name}, found none of that name; set it")
            return b""
        secret = environment[name].encode("utf-8", "surrogateescape")
    else:
        path = directory / name
        try:
            secret = path.read_bytes()
        except OSError as error:
            place.add(f"expected a readable file at {path}, found {error.strerror}; write the secret to it")
            return b""
    secret = secret.removesuffix(b"\n").removesuffix(b"\r")
    if len(secret) < SECRET_MIN_BYTES:
        place.add(
            f"expected a secret of at least {SECRET_MIN_BYTES} bytes in {source}, found {len(secret)}; "
            "make it longer"
        )
    return secret


def identity_problems(registry: Registry, namespaces: frozenset[str]) -> list[Problem]:
    """The identity fields of schemas that name no namespace of the workspace."""
    problems = []
    for schema in registry.schemas():
        unknowns = [found for found in _annotations(schema.definition, ()) if found[1] not in namespaces]
        if not unknowns:
            continue
        lines = parse(schema.path.read_text("utf-8"))
        for location, namespace in unknowns:
            message = unknown("namespace", namespace, namespaces, "add it to namespaces in workspace.yaml")
            problems.append(Problem(schema.path, lines.line(location), f"{key_path(location)}: {message}"))
    return problems


def _annotations(definition: Any, location: Location) -> Iterator[tuple[Location, str]]:
    """Where an Avro definition names a person, and by which namespace."""
    if isinstance(definition, list):
        for index, branch in enumerate(definition):
            yield from _annotations(branch, (*location, index))
    elif isinstance(definition, dict):
        for index, inner in enumerate(definition.get("fields", ())):
            below = (*location, "fields", index)
            if "identity" in inner:
                yield (*below, "identity"), inner["identity"]
            yield from _annotations(inner["type"], (*below, "type"))
        for key in ("type", "items", "values"):
            if isinstance(definition.get(key), (dict, list)):
                yield from _annotations(definition[key], (*location, key))


def _entries(place: Place) -> list[tuple[Place, dict[str, Any]]]:
    """The mappings of a list in a document, each with its place."""
    entries = place.document.get(*place.location)
    if not isinstance(entries, list):
        return []
    return [(place.at(index), entry) for index, entry in enumerate(entries) if isinstance(entry, dict)]
