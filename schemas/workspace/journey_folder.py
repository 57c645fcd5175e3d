"""The files of a workspace's journeys: the newest version of each, and earlier ones."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import Problem
from schemas.workspace.document import read_document
from schemas.workspace.files import JourneyFile
from schemas.workspace.journeys import check_earlier, compile_journey, version_of
from schemas.workspace.model import Journey
from schemas.workspace.place import Place, tell_repeated
from schemas.workspace.validate import validate
from schemas.workspace.vocabulary import Vocabulary


def compile_journeys(
    folder: Path, vocabulary: Vocabulary, problems: list[Problem]
) -> tuple[tuple[Journey, ...], tuple[Journey, ...]]:
    """The journeys by name, and their earlier versions; a workspace without any has no folder of them."""
    journeys: dict[str, Journey] = {}
    earlier: list[tuple[Place, Journey]] = []
    places = []
    for path in sorted(folder.glob("[!.]*.y*ml")):
        if path.suffix != ".yaml":
            problems.append(
                Problem(path, 1, f"expected a name that ends in .yaml; rename it to {path.stem}.yaml")
            )
            continue
        read = _read_journey(path, vocabulary, problems)
        if read is None:
            continue
        place, journey = read
        if version_of(path) is None:
            places.append(place)
            if journey is not None:
                journeys[journey.name] = journey
        elif journey is not None:
            earlier.append((place, journey))
    tell_repeated("journey name", ((place.at("name"), place.document.get("name")) for place in places))
    for place, journey in earlier:
        check_earlier(place, journey, journeys.get(journey.name))
    return (
        tuple(sorted(journeys.values(), key=lambda journey: journey.name)),
        tuple(journey for _, journey in earlier),
    )


def compile_alone(path: Path, vocabulary: Vocabulary, problems: list[Problem]) -> tuple[Journey, ...]:
    """The journey of one file, whatever else there is."""
    if not path.is_file():
        found = "a directory" if path.is_dir() else "nothing"
        problems.append(Problem(path, 1, f"expected the file of a journey, found {found}; check the path"))
        return ()
    read = _read_journey(path, vocabulary, problems)
    return () if read is None or read[1] is None else (read[1],)


def _read_journey(
    path: Path, vocabulary: Vocabulary, problems: list[Problem]
) -> tuple[Place, Journey | None] | None:
    """The journey of a file, None where it has mistakes; None for a file that cannot be read."""
    document, found = read_document(path)
    problems += found
    if document is None:
        return None
    file, found = validate(document, JourneyFile)
    problems += found
    place = Place(document, problems)
    return place, compile_journey(place, file, vocabulary)
