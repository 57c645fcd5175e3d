"""The contracts with other programs as JSON Schema and Avro, generated from the models."""
