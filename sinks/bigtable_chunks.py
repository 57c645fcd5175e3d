"""Rows from the chunks of a ReadRows stream.

Source: the comments on `ReadRowsResponse.CellChunk` in google/bigtable/v2/bigtable.proto.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sinks.bigtable_errors import BigtableError


class Row(NamedTuple):
    """A row as read.

    Attributes:
        cells: the newest value by qualifier; families are the caller's to tell apart by their filter.
    """

    key: bytes
    cells: dict[bytes, bytes]


class RowAssembler:
    """Puts rows together from the responses of one stream.

    Attributes:
        last_key: of the last whole row, or the last one that the server says it has scanned: where a
            broken stream goes on.
    """

    __slots__ = ("_cells", "_family", "_key", "_parts", "_qualifier", "last_key")

    def __init__(self) -> None:
        self.last_key = b""
        self.restart()

    def restart(self) -> None:
        """Forgets the row that is incomplete, as the stream broke."""
        self._key = b""
        self._family = ""
        self._qualifier: bytes | None = None
        self._cells: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []

    def feed(self, response: Any) -> list[Row]:
        """The rows that a ReadRowsResponse completes.

        Raises:
            BigtableError: the chunks don't follow the protocol.
        """
        rows = []
        for chunk in response.chunks:
            if chunk.reset_row:
                self._reset(chunk)
                continue
            key = chunk.row_key
            if key and key != self._key:
                if self._key:
                    raise _broken("a new row before the last one was committed")
                if key <= self.last_key:
                    raise _broken("row keys that don't increase")
                self._key = key
            elif not self._key:
                raise _broken("a first chunk without row key")
            if self._parts:
                self._continue(chunk)
            else:
                self._name(chunk)
            if chunk.value_size:
                self._parts.append(chunk.value)
            elif self._parts:
                self._parts.append(chunk.value)
                self._keep(b"".join(self._parts))
                self._parts = []
            else:
                self._keep(chunk.value)
            if chunk.commit_row:
                if self._parts:
                    raise _broken("a row committed in the middle of a cell")
                rows.append(Row(self._key, self._cells))
                self.last_key = self._key
                self.restart()
        scanned = response.last_scanned_row_key
        if scanned:
            if scanned < self.last_key or self._key:
                raise _broken("a last scanned row before a row that was sent")
            self.last_key = scanned
        return rows

    def end(self) -> None:
        """The stream has ended.

        Raises:
            BigtableError: within a row.
        """
        if self._key:
            raise _broken("an end within a row")

    def _reset(self, chunk: Any) -> None:
        if not self._key:
            raise _broken("a reset without a row")
        if (
            chunk.row_key
            or chunk.value
            or chunk.commit_row
            or chunk.HasField("qualifier")
            or chunk.HasField("family_name")
        ):
            raise _broken("a reset with data")
        self.restart()

    def _name(self, chunk: Any) -> None:
        """The column of a chunk that begins a cell; what it leaves out is that of the cell before."""
        has_qualifier = chunk.HasField("qualifier")
        if chunk.HasField("family_name"):
            if not has_qualifier:
                raise _broken("a family without qualifier")
            self._family = chunk.family_name.value
        elif not self._family:
            raise _broken("a first cell without family")
        if has_qualifier:
            self._qualifier = chunk.qualifier.value

    def _continue(self, chunk: Any) -> None:
        """A chunk within a cell names no other column."""
        if (chunk.HasField("family_name") and chunk.family_name.value != self._family) or (
            chunk.HasField("qualifier") and chunk.qualifier.value != self._qualifier
        ):
            raise _broken("another column in the middle of a cell")

    def _keep(self, value: bytes) -> None:
        assert self._qualifier is not None
        # Versions of a column come newest first.
        self._cells.setdefault(self._qualifier, value)


def _broken(what: str) -> BigtableError:
    return BigtableError(f"Bigtable sent {what}: expected chunks as ReadRowsResponse describes them")
