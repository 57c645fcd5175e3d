"""Event schemas in Avro: their check, their compatibility, and compiled readers of their data."""

from schemas.avro.compatibility import compatibility
from schemas.avro.compile_datum import compile_datum
from schemas.avro.event_schema import EventSchema
from schemas.avro.invalid_data import InvalidData
from schemas.avro.registry import Registry

__all__ = ["EventSchema", "InvalidData", "Registry", "compatibility", "compile_datum"]
