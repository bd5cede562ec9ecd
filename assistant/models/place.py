"""Where in a YAML file a field is, for who has to correct it."""

from __future__ import annotations

from collections.abc import Sequence

import yaml


def line_of(text: str, where: Sequence[str | int]) -> int:
    """Return the line, from 1, of the field at `where`, or of what it should stand in; parts that are not there do not
    count. Raises yaml.YAMLError for what is no YAML.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = 0 if node is None else node.start_mark.line
    for part in where:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is not None:
                line, node = found[0].start_mark.line, found[1]
    return line + 1
