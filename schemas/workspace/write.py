"""Values as the text of a workspace's file."""

from __future__ import annotations

from typing import Any

import yaml

from schemas.workspace.document import CoreLoader

_WIDTH = 110


class _Dumper(yaml.SafeDumper):
    """Quotes text that a reader of YAML 1.1 or of 1.2 would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        """Writes what stands twice twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indents lists below their keys."""
        super().increase_indent(flow, False)


for _first, _resolvers in CoreLoader.yaml_implicit_resolvers.items():
    for _tag, _pattern in _resolvers:
        _Dumper.add_implicit_resolver(_tag, _pattern, [_first])


def to_yaml(value: dict[str, Any]) -> str:
    """The text: keys in their order, lists and mappings of scalars in one line if they fit."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=_WIDTH
    )
    return text
