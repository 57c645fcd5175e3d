"""A workspace's directory as a workspace, or all of its mistakes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from schemas.avro import Registry
from schemas.errors import Problem, WorkspaceError
from schemas.workspace.compile_messages import compile_messages
from schemas.workspace.compile_policy import compile_policy
from schemas.workspace.compile_reference import compile_tables
from schemas.workspace.document import Document, read_document
from schemas.workspace.files import ProfilesFile, WorkspaceFile
from schemas.workspace.journey_folder import compile_alone, compile_journeys
from schemas.workspace.message_files import MessagesFile
from schemas.workspace.messages import MessageTemplate
from schemas.workspace.model import Attribute, Channel, Model, Namespace, Workspace
from schemas.workspace.place import Place
from schemas.workspace.policy import Policy
from schemas.workspace.profiles import compile_attributes
from schemas.workspace.reference import Table
from schemas.workspace.reference_files import ReferenceFile
from schemas.workspace.settings import (
    check_contexts,
    compile_channels,
    compile_models,
    compile_namespaces,
    identity_problems,
    read_secret,
)
from schemas.workspace.validate import validate
from schemas.workspace.values import is_secret_source
from schemas.workspace.vocabulary import Vocabulary

OWN_EVENTS = Path(__file__).parents[1] / "events"
"""The schemas of the events that cjaas itself understands: consents, preferences, responses, leads."""

_File = TypeVar("_File", bound=BaseModel)
_FILES = ("*.yaml", "schemas/*.avsc", "journeys/*.yaml")


class _Settings(NamedTuple):
    """What workspace.yaml says."""

    file: WorkspaceFile
    namespaces: tuple[Namespace, ...]
    channels: dict[str, Channel]
    secret: bytes


def load_workspace(directory: Path, environment: Mapping[str, str], journey: Path | None = None) -> Workspace:
    """The workspace in a directory.

    Args:
        environment: where `secret: env:NAME` is looked up.
        journey: the file of a journey, wherever it lies, that stands in for all of the directory's.

    Raises:
        WorkspaceError: it has mistakes; holds all of them, of all files.
    """
    workspace, problems = _load(directory, environment, journey)
    if workspace is None or problems:
        raise WorkspaceError(problems)
    return workspace


def check_workspace(
    directory: Path, environment: Mapping[str, str], beside: Path | None = None
) -> list[Problem]:
    """All mistakes of the workspace in a directory, by file and line; none for one that loads.

    Args:
        beside: where profiles.yaml and the journeys are, if not in the directory itself.
    """
    return _load(directory, environment, beside=beside)[1]


def _load(
    directory: Path,
    environment: Mapping[str, str],
    journey: Path | None = None,
    beside: Path | None = None,
) -> tuple[Workspace | None, list[Problem]]:
    if not directory.is_dir():
        found = "a file" if directory.exists() else "nothing"
        message = f"expected a workspace's directory, found {found}; give the one that holds workspace.yaml"
        return None, [Problem(directory, 1, message)]
    problems: list[Problem] = []
    registry, unsound = _load_registry(directory / "schemas", problems)
    settings = _read(directory / "workspace.yaml", problems)
    own = directory if beside is None else beside
    profiles = _read(own / "profiles.yaml", problems)
    vocabulary = Vocabulary(
        registry,
        unsound,
        _names(settings, "namespaces"),
        _names(settings, "channels"),
        _names(settings, "use_cases"),
        _names(settings, "models"),
    )
    head = _compile_settings(settings, vocabulary, environment, problems)
    messages = _compile_messages(own / "messages.yaml", vocabulary, problems)
    tables = _compile_reference(directory / "reference.yaml", vocabulary, problems)
    attributes = _compile_profiles(profiles, vocabulary, problems)
    models: dict[str, Model] = {}
    if settings is not None:
        check_contexts(Place(settings, problems).at("channels"), vocabulary)
        models = compile_models(Place(settings, problems).at("models"), vocabulary)
    if journey is None:
        journeys, earlier = compile_journeys(own / "journeys", vocabulary, problems)
    else:
        journeys, earlier = compile_alone(journey, vocabulary, problems), ()
    policy = Policy()
    if settings is not None and head is not None and beside is None:
        stems = frozenset(path.stem for path in (directory / "journeys").glob("*.yaml"))
        policy = compile_policy(Place(settings, problems), head.file, vocabulary, stems)
    if problems or head is None or registry is None:
        return None, sorted(set(problems))
    file = head.file
    workspace = Workspace(
        name=file.name,
        directory=directory,
        time_zone=file.time_zone,
        region=file.region,
        shards=file.shards,
        allowed_lateness_us=file.allowed_lateness,
        earliest_us=file.earliest,
        secret=head.secret,
        namespaces=head.namespaces,
        channels=head.channels,
        attributes=attributes,
        journeys=journeys,
        registry=registry,
        earlier=earlier,
        policy=policy,
        messages=messages,
        models=models,
        tables=tables,
        fingerprint=_fingerprint(directory, [item.file for item in models.values()], journey),
    )
    return workspace, []


def _load_registry(folder: Path, problems: list[Problem]) -> tuple[Registry | None, frozenset[str]]:
    """The schemas, None where there is no folder of them; and the event types whose files have mistakes."""
    if not folder.is_dir():
        message = (
            "expected a folder with the event types' schemas, found none; add it with TYPE.v1.avsc files"
        )
        problems.append(Problem(folder, 1, message))
        return None, frozenset()
    registry, found = Registry.load(folder, OWN_EVENTS)
    problems += found
    return registry, frozenset(re.split(r"\.v\d|\.avsc", problem.path.name)[0] for problem in found)


def _read(path: Path, problems: list[Problem]) -> Document | None:
    if not path.exists():
        problems.append(Problem(path, 1, "expected this file, found none; add it"))
        return None
    document, found = read_document(path)
    problems += found
    return document


def _names(document: Document | None, key: str) -> frozenset[str] | None:
    """The names that a list of a document defines; None where it has mistakes that hide some."""
    if document is None or not isinstance(document.value, dict):
        return None
    entries = document.value.get(key, None if key == "namespaces" else [])
    if not isinstance(entries, list):
        return None
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    sound = [name for name in names if isinstance(name, str)]
    return frozenset(sound) if len(sound) == len(names) else None


def _compile_settings(
    document: Document | None,
    vocabulary: Vocabulary,
    environment: Mapping[str, str],
    problems: list[Problem],
) -> _Settings | None:
    if document is None:
        return None
    place = Place(document, problems)
    file, found = validate(document, WorkspaceFile)
    problems += found
    namespaces = compile_namespaces(place.at("namespaces"))
    channels = compile_channels(place.at("channels"), vocabulary)
    if vocabulary.registry is not None and vocabulary.namespaces is not None:
        problems += identity_problems(vocabulary.registry, vocabulary.namespaces)
    source = document.get("secret")
    secret = b""
    if is_secret_source(source):
        secret = read_secret(place.at("secret"), source, document.path.parent, environment)
    return _Settings(file, namespaces, channels, secret) if file is not None else None


def _compile_messages(
    path: Path, vocabulary: Vocabulary, problems: list[Problem]
) -> dict[str, MessageTemplate]:
    """The message templates; makes them known to the vocabulary. A workspace may have no catalogue."""
    read = _read_optional(path, MessagesFile, problems)
    if read is None:
        return {}
    vocabulary.messages = messages = compile_messages(*read, vocabulary)
    return messages


def _compile_reference(path: Path, vocabulary: Vocabulary, problems: list[Problem]) -> dict[str, Table]:
    """The tables; makes them known to the vocabulary. A workspace may have none."""
    read = _read_optional(path, ReferenceFile, problems)
    if read is None:
        vocabulary.tables = None if path.exists() else {}
        return {}
    vocabulary.tables = tables = compile_tables(*read)
    return tables


def _read_optional(path: Path, model: type[_File], problems: list[Problem]) -> tuple[Place, _File] | None:
    """A file that a workspace may do without; None where there is none, or it has mistakes."""
    document = _read(path, problems) if path.exists() else None
    if document is None:
        return None
    file, found = validate(document, model)
    problems += found
    return None if file is None else (Place(document, problems), file)


def _fingerprint(directory: Path, further: Sequence[Path], journey: Path | None) -> bytes:
    """Of the files that a workspace is made from, names and contents."""
    files = [path for pattern in _FILES for path in sorted(directory.glob(pattern))]
    digest = blake2b(digest_size=16)
    for path in (*files, *further, *([] if journey is None else [journey])):
        content = path.read_bytes()
        digest.update(f"{path.name}\n{len(content)}\n".encode() + content)
    return digest.digest()


def _compile_profiles(
    document: Document | None, vocabulary: Vocabulary, problems: list[Problem]
) -> tuple[Attribute, ...]:
    """The attributes; makes their names known to the vocabulary."""
    if document is None:
        return ()
    _, found = validate(document, ProfilesFile)
    problems += found
    attributes, vocabulary.attributes = compile_attributes(Place(document, problems), vocabulary)
    return attributes
