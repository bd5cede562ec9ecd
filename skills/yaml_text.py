"""YAML that people hand in, read so that a small text stays small in memory and takes no longer than it looks."""

from __future__ import annotations

import yaml

from skills.errors import BadSkill

_MAX_DEPTH = 100
_MAX_ALIASED = (
    50_000  # values that aliases stand for, all together: a document of 300 operations repeats a few thousand
)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # which of the two is known late
    """Safe YAML in which dates stay text, as JSON has no dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: bytes | str, name: str) -> object:
    """Return the value of the one YAML document in `text`, None when there is nothing in it.

    Raises yaml.YAMLError for what is no YAML, and BadSkill with the `name` for what is nested over 100 levels deep, or
    has aliases that stand for themselves or for over 50,000 values.
    """
    try:
        _check(text, name)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except ValueError as exc:  # 0b_ looks like a number and is none
        raise yaml.YAMLError(str(exc)) from exc


def _check(text: bytes | str, name: str) -> None:
    """Look at the events alone: the loader itself recurses, in C, and copies what merge keys name."""
    seen = aliased = 0
    sizes: dict[str, int] = {}  # of what has an anchor, with all that its own aliases stand for
    within: list[tuple[str | None, int]] = []
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            within.append((event.anchor, seen))
            if len(within) > _MAX_DEPTH:
                raise BadSkill(f"{name} is nested over {_MAX_DEPTH} levels deep.")
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = within.pop()
            sizes |= {anchor: seen - before} if anchor else {}
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise BadSkill(f"{name} uses the alias *{event.anchor} before the end of what it stands for.")
            aliased += sizes[event.anchor]
            seen += sizes[event.anchor] - 1
            if aliased > _MAX_ALIASED:
                raise BadSkill(
                    f"{name} has aliases that stand for over {_MAX_ALIASED} values. Write out what is needed."
                )
        elif isinstance(event, yaml.ScalarEvent) and event.anchor:
            sizes[event.anchor] = 1
        seen += isinstance(event, yaml.NodeEvent)
