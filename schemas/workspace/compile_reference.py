"""What reference.yaml says, with its names and its tables' files checked."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import Problem
from schemas.workspace.place import Place, tell_repeated
from schemas.workspace.reference import Table, read_rows
from schemas.workspace.reference_files import ReferenceFile, TableFile


def compile_tables(place: Place, file: ReferenceFile) -> dict[str, Table]:
    """The tables by name; tells of names that stand twice, and of files that are not there or not sound.

    A file that an address leads to is not looked at.
    """
    here = place.at("tables")
    tell_repeated(
        "table name", ((here.at(index, "name"), item.name) for index, item in enumerate(file.tables))
    )
    tables = [_table(here.at(index), item) for index, item in enumerate(file.tables)]
    return {table.name: table for table in tables}


def _table(place: Place, file: TableFile) -> Table:
    columns = place.at("columns")
    tell_repeated(
        "column", ((columns.at(index, "name"), item.name) for index, item in enumerate(file.columns))
    )
    kinds = {item.name: item.kind for item in file.columns}
    if "://" in file.file:
        return Table(file.name, file.file, file.key, kinds)
    path = place.document.path.parent / file.file
    table = Table(file.name, str(path.resolve()), file.key, kinds)
    _check_file(place, path, table)
    return table


def _check_file(place: Place, path: Path, table: Table) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        place.at("file").add(
            f"expected a readable CSV file at {path}, found {error.strerror}; check the path"
        )
        return
    _, mistakes = read_rows(table, content)
    place.problems.extend(Problem(path, mistake.line, mistake.message) for mistake in mistakes)
