"""A row of a log, by its mapping, as a structured CloudEvent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from schemas.mapping import NESTED_FORMATS, FieldRule, LogRow, Mapping, TimeRule, TypeRule, Unpivot
from schemas.timestamps import format_rfc3339
from transforms.log_filter import Lookup, Values, compile_filter
from transforms.log_times import time_reader
from transforms.log_values import text_of, value_reader

# Wide enough that the order of ids, which settles equal times, is the order of a file's rows.
_ROW_DIGITS = 10
# Logs repeat their times and their days.
_time_text = lru_cache(maxsize=1 << 16)(format_rfc3339)


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why a row gave no event.

    Attributes:
        column: where the mistake is; None where it is no single column.
        reason: what was expected and what was found.
    """

    column: str | None
    reason: str


class _RefusedError(ValueError):
    def __init__(self, column: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class Converter:
    """A mapping, compiled.

    Args:
        known_types: the event types that exist; other types that a row names are refused. None: any.
    """

    def __init__(self, mapping: Mapping, known_types: Collection[str] | None = None) -> None:
        self._mapping = mapping
        self._known_types = known_types
        self._encode = msgspec.json.Encoder(enc_hook=_plain).encode
        self._where = compile_filter(mapping.where, self._lookup_or_null)
        self._identity = self._required_text(mapping.identity.column)
        about = [] if mapping.unpivot is None else [mapping.unpivot.name]
        self._about = [self._required_text(name) for name in about]
        self._key = None if mapping.id is None else [self._required_text(name) for name in mapping.id]
        self._unpivoted = {
            column: self._lookup_or_null(column)
            for column in (() if mapping.unpivot is None else mapping.unpivot.columns)
        }
        self._time = self._time_of(mapping.time)
        self._publish_time = None if mapping.publish_time is None else self._time_of(mapping.publish_time)
        self._type_text = (
            self._required_text(mapping.type.column) if isinstance(mapping.type, TypeRule) else None
        )
        self._fields: dict[str, list[tuple[tuple[str, ...], Callable[[Values], Any]]]] = {}
        self._readers = {name: self._field(rule) for name, rule in mapping.data.items()}

    def convert_all(self, row: LogRow, file: str) -> Iterator[bytes | Refusal | None]:
        """What `convert` makes of a row: once, or for each of the columns that are unpivoted."""
        unpivot = self._mapping.unpivot
        if unpivot is None:
            yield self.convert(row, file)
            return
        for column, find in self._unpivoted.items():
            value = find(row.values)
            yield None if value is None else self._convert_column(row, file, unpivot, column, value)

    def _convert_column(
        self, row: LogRow, file: str, unpivot: Unpivot, column: str, value: Any
    ) -> bytes | Refusal | None:
        made = {unpivot.name: unpivot.columns[column], unpivot.value: value}
        outcome = self.convert(msgspec.structs.replace(row, values=row.values | made), file)
        if isinstance(outcome, Refusal) and outcome.column == unpivot.value:
            return Refusal(column, outcome.reason)
        return outcome

    def convert(self, row: LogRow, file: str) -> bytes | Refusal | None:
        """The event of a row, as one JSON object; None where the mapping leaves the row out.

        Args:
            file: the name of the row's file, for the id of a row without a key of its own.
        """
        values = row.values
        try:
            if self._where is not None and not self._where(values):
                return None
            event_type = self._event_type(values)
            if event_type is None:
                return None
            event: dict[str, Any] = {
                "specversion": "1.0",
                "id": self._id(row, file),
                "source": self._mapping.source,
                "type": event_type,
                "time": self._time(values),
                "identity": self._identity(values),
                "identitytype": self._mapping.identity.namespace,
            }
            if (dataschema := self._mapping.schema_uri(event_type)) is not None:
                event["dataschema"] = dataschema
            if self._publish_time is not None:
                event["publishtime"] = self._publish_time(values)
            event["data"] = self._data(values, event_type)
            return self._encode(event)
        except _RefusedError as refusal:
            return Refusal(refusal.column, refusal.reason)
        except UnicodeEncodeError:
            return Refusal(None, "expected text that UTF-8 can hold, found a lone surrogate")

    def _event_type(self, values: Values) -> str | None:
        rule = self._mapping.type
        if isinstance(rule, str) or self._type_text is None:
            return str(rule)
        text = self._type_text(values)
        if rule.values is not None:
            if text not in rule.values:
                if rule.other == "skip":
                    return None
                raise _RefusedError(rule.column, f"expected one of {', '.join(rule.values)}, found {text!r}")
            text = rule.values[text]
        if self._known_types is not None and text not in self._known_types:
            raise _RefusedError(rule.column, f"expected an event type of the workspace, found {text!r}")
        return text

    def _id(self, row: LogRow, file: str) -> str:
        about = [part(row.values) for part in self._about]
        if self._key is None:
            return ":".join([f"{file}:{row.number:0{_ROW_DIGITS}d}", *about])
        key = [*(part(row.values) for part in self._key), *about]
        if len(key) == 1:
            return key[0]
        # Escaped, so that different keys can't give one id.
        return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in key)

    def _data(self, values: Values, event_type: str) -> dict[str, Any]:
        fields = self._fields.get(event_type)
        if fields is None:
            fields = [
                (tuple(name.split(".")), self._readers[name])
                for name, _ in self._mapping.fields_of(event_type)
            ]
            self._fields[event_type] = fields
        data: dict[str, Any] = {}
        for path, read in fields:
            value = read(values)
            if value is None:
                continue
            target = data
            for part in path[:-1]:
                target = target.setdefault(part, {})
            target[path[-1]] = value
        return data

    def _lookup(self, column: str, nulls: list[str]) -> Lookup:
        """Finds a column, or a dot path into nested values; a text that means no value is None."""
        parts = column.split(".")
        nested = self._mapping.read.format in NESTED_FORMATS and len(parts) > 1
        absent = frozenset(nulls)

        def find(values: Values) -> Any:
            value: Any = values.get(column)
            if value is None and nested and column not in values:
                value = values
                for part in parts:
                    value = value.get(part) if isinstance(value, dict) else None
            if type(value) is str and (value in absent or value.strip() in absent):
                return None
            return value

        return find

    def _lookup_or_null(self, column: str) -> Lookup:
        return self._lookup(column, self._mapping.nulls)

    def _required_text(self, column: str) -> Callable[[Values], str]:
        find = self._lookup_or_null(column)

        def read(values: Values) -> str:
            value = find(values)
            if value is None:
                raise _RefusedError(column, "expected a value, found none")
            try:
                text = text_of(value).strip()
            except ValueError as error:
                raise _RefusedError(column, str(error)) from error
            if not text:
                raise _RefusedError(column, "expected a value, found blanks")
            return text

        return read

    def _time_of(self, rule: TimeRule) -> Callable[[Values], str]:
        nulls = self._mapping.nulls if rule.nulls is None else rule.nulls
        finds = [(name, self._lookup(name, nulls)) for name in rule.names]
        read = time_reader(rule)

        def time_text(values: Values) -> str:
            found = []
            for name, find in finds:
                value = find(values)
                if value is None:
                    raise _RefusedError(name, "expected a time, found no value")
                found.append(value)
            try:
                return _time_text(read(found[0] if len(found) == 1 else " ".join(map(text_of, found))))
            except ValueError as error:
                raise _RefusedError(" ".join(rule.names), str(error)) from error

        return time_text

    def _field(self, rule: FieldRule) -> Callable[[Values], Any]:
        if rule.column is None:
            return lambda _: rule.constant
        column = rule.column
        find = self._lookup(column, self._mapping.nulls if rule.nulls is None else rule.nulls)
        read = value_reader(rule)

        def value_of(values: Values) -> Any:
            value = find(values)
            if value is not None:
                try:
                    value = read(value)
                except ValueError as error:
                    raise _RefusedError(column, str(error)) from error
            if value is None and rule.required:
                raise _RefusedError(column, "expected a value, found none")
            return value

        return value_of


def _plain(value: Any) -> Any:
    """What msgspec can't write as it should stand: exact numbers as numbers."""
    if isinstance(value, Decimal):
        return msgspec.Raw(str(value).encode())
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise _RefusedError(None, f"expected values that JSON has, found {type(value).__name__}")
