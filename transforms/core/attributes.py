"""Attributes: how entries are kept in windows, and what is read from them as of a time."""

from __future__ import annotations

from schemas.workspace.model import Aggregate, Attribute
from transforms.core.attribute_fold import TIME_FIELD, Add, AttributeFold, Source
from transforms.core.bucket_fold import BucketFold, bucket_width_us
from transforms.core.newest_fold import NewestFold

__all__ = ["TIME_FIELD", "Add", "AttributeFold", "Source", "attribute_fold", "bucket_width_us"]


def attribute_fold(attribute: Attribute, numeric: bool) -> AttributeFold:
    """The fold of an attribute.

    Args:
        numeric: whether its field holds numbers.
    """
    limit = attribute.limit
    if limit is None and attribute.aggregate in (Aggregate.VALUE, Aggregate.LAST):
        limit = 1
    if limit is None:
        return BucketFold(attribute, numeric)
    return NewestFold(attribute, numeric, limit)
