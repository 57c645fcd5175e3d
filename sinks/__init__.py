"""Where data goes and comes from: files, Parquet, SQLite and their cloud counterparts."""
