"""The rows of a commit as one MutateRows request.

Each cell carries the commit's sequence as its timestamp, and the mutation that sets it deletes what is older,
for garbage collection is lazy. So the request can be repeated at any time, and whoever repeats it late
neither hides nor deletes anything newer.
"""

from __future__ import annotations

from typing import Any

from schemas.store import DueRow
from sinks.bigtable_client import MutateRowsRequest, Mutation
from sinks.bigtable_rows import DUE_FAMILY, DUE_TIME, IMAGE, PENDING, PROFILE_FAMILY, Keys, encode_due_time
from sinks.bigtable_written import Written

_US = 1_000


def rows_request(keys: Keys, shard: int, sequence: int, written: Written) -> Any:
    """A MutateRowsRequest that writes a commit's images and due rows at its sequence in milliseconds."""
    if sequence < 1:
        raise ValueError(f"a commit has sequence {sequence}: expected 1 or more")
    timestamp_us = sequence * _US
    request = MutateRowsRequest()
    entries = request.entries
    older_image = _deletion(PROFILE_FAMILY, IMAGE, timestamp_us)
    new_image = _cell(PROFILE_FAMILY, IMAGE, timestamp_us)
    older_due = _deletion(PROFILE_FAMILY, DUE_TIME, timestamp_us)
    new_due = _cell(PROFILE_FAMILY, DUE_TIME, timestamp_us)
    profiles = keys.profiles
    due = written.due
    for person_id, image in written.images.items():
        mutations = entries.add(row_key=profiles + person_id.encode()).mutations
        mutations.append(older_image)
        new_image.set_cell.value = image
        mutations.append(new_image)
        if person_id in due:
            mutations.append(older_due)
            new_due.set_cell.value = encode_due_time(due[person_id])
            mutations.append(new_due)
    older_wait = _deletion(DUE_FAMILY, PENDING, timestamp_us)
    new_wait = _cell(DUE_FAMILY, PENDING, timestamp_us)
    for person_id, time_us in due.items():
        if person_id not in written.images:
            new_due.set_cell.value = encode_due_time(time_us)
            entries.add(row_key=keys.profile(person_id), mutations=(older_due, new_due))
        if time_us is not None:
            entries.add(row_key=keys.due(shard, DueRow(time_us, person_id)), mutations=(older_wait, new_wait))
    up_to_now = _deletion(DUE_FAMILY, PENDING, timestamp_us + _US)
    for row in written.gone:
        entries.add(row_key=keys.due(shard, row), mutations=(up_to_now,))
    return request


def _deletion(family: str, qualifier: bytes, end_us: int) -> Any:
    """Deletes a column's cells that are older than a time."""
    mutation = Mutation()
    mutation.delete_from_column.family_name = family
    mutation.delete_from_column.column_qualifier = qualifier
    mutation.delete_from_column.time_range.end_timestamp_micros = end_us
    return mutation


def _cell(family: str, qualifier: bytes, timestamp_us: int) -> Any:
    """Sets a cell; its value is filled in."""
    mutation = Mutation()
    mutation.set_cell.family_name = family
    mutation.set_cell.column_qualifier = qualifier
    mutation.set_cell.timestamp_micros = timestamp_us
    return mutation
