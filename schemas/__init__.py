"""What things look like: event schemas, workspace models, message contracts and protocols."""
