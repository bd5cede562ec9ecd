"""What can go wrong with skills.

SkillError
├── SkillRefusal           raised inside a skill, told to the model, which may correct its arguments ("retry")
├── SkillFailure           raised inside a skill, told to the model, which should not try again ("failed")
│   └── ModelTooSmall      there is a model, but not one that can write a text
├── NameClash              two skills of one name
├── UnknownSkill           no skill of that name (or none that the person may see)
├── BadSkill               a function, document, entry or folder that cannot become a skill
│   ├── DocumentTooLarge   an OpenAPI document, SKILL.md or module over its size limit
│   └── NoServer           an OpenAPI document that does not say where its API is
├── Unreachable            an MCP server or API does not answer
└── UnknownSecret          a secret that is referred to but not stored
"""

from __future__ import annotations


def yaml_said(error: Exception, file: str) -> str:
    """Return what is wrong with a YAML file, in 200 characters, with its name where the parser has none."""
    return str(error).replace("<byte string>", file).replace("<unicode string>", file)[:200]


class SkillError(Exception):
    """Something is wrong with a skill; the text says what, with which value, and what to do."""


class SkillRefusal(SkillError):
    """The arguments cannot be served as they are; the model reads the text and may try others."""


class SkillFailure(SkillError):
    """The skill cannot do its work now; the model reads the text and tells the person."""


class ModelTooSmall(SkillFailure):
    """The only language model is one that has learned to answer from documents and nothing else."""

    def __init__(self) -> None:
        super().__init__(
            "This needs a larger language model than the one that comes along, which answers from documents alone. "
            "An administrator can connect one: see the page Models."
        )


class NameClash(SkillError):
    """Two skills ask for one name."""

    def __init__(self, name: str, first: str, second: str) -> None:
        super().__init__(f"Both {first} and {second} offer a skill named {name!r}. Rename one, or give one a prefix.")


class UnknownSkill(SkillError):
    """No such skill for this person."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no skill named {name!r}, or it is not for you; the list of skills shows yours.")


class BadSkill(SkillError):
    """Something that was offered as a skill cannot be one."""


class DocumentTooLarge(BadSkill):
    """A document is over its size limit."""


class NoServer(BadSkill):
    """A document does not say where its API is, and nobody else did."""


class Unreachable(SkillError):
    """The other side does not answer."""


class UnknownSecret(SkillError):
    """A secret is referred to but not stored."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The secret {name!r} is not stored. Store it with `assistant skills secret {name}`.")
