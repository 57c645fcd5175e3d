"""For tools that ask for a setup.py, Dataflow workers among them; pyproject.toml says everything."""

from setuptools import setup

setup()
