"""Mapping files, and the rows of the logs that they map."""

from schemas.mapping.clock import Clock, TimeRule
from schemas.mapping.layout import NESTED_FORMATS, Layout
from schemas.mapping.load import load_mapping
from schemas.mapping.model import FieldRule, IdentityRule, Mapping, TypeRule, Unpivot
from schemas.mapping.row import BadRow, LogRow

__all__ = [
    "NESTED_FORMATS",
    "BadRow",
    "Clock",
    "FieldRule",
    "IdentityRule",
    "Layout",
    "LogRow",
    "Mapping",
    "TimeRule",
    "TypeRule",
    "Unpivot",
    "load_mapping",
]
