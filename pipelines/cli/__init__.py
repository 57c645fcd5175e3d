"""The command line: `cjaas COMMAND`."""
