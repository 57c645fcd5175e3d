"""The version of cjaas that runs."""

from importlib.metadata import version

VERSION = version("cjaas")
