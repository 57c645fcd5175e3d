"""Event schemas in Avro: their check, their compatibility, and compiled readers of their data."""

from schemas.avro.compatibility import compatibility
from schemas.avro.compile_datum import compile_datum
from schemas.avro.compile_json import ReadValues
from schemas.avro.event_schema import EventSchema
from schemas.avro.invalid_data import InvalidData
from schemas.avro.paths import compile_projection
from schemas.avro.registry import Registry

__all__ = [
    "EventSchema",
    "InvalidData",
    "ReadValues",
    "Registry",
    "compatibility",
    "compile_datum",
    "compile_projection",
]
