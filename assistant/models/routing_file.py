"""The YAML files that administrators write about routing: read whole, with the line of what cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from assistant.models.errors import RoutingInvalid

MAX_FILE_BYTES = 200_000
T = TypeVar("T", bound=BaseModel)


def parsed(path: Path, shape: type[T], holds: str, setting: str) -> T:
    """Return what a file says; `holds` is what it is for ("the decision table"), `setting` is what names it.

    Raises RoutingInvalid with the line and the field that is wrong.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RoutingInvalid(f"{path} is larger than {MAX_FILE_BYTES} bytes; it cannot hold {holds}.")
        text = path.read_text("utf-8")
        return shape.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise RoutingInvalid(f"{path}, for {holds}, cannot be read: {exc}. Correct the setting {setting}.") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        line = line_of(text, first["loc"])
        raise RoutingInvalid(f"{path}, line {line}: {where} cannot be used: {first['msg']}. Correct it.") from exc


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
