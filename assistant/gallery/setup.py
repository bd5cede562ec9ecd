"""What an assistant is made of, and the file in which teams pass assistants on."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from assistant.models.presets import Preset

Icon = Literal[
    "smart_toy", "support_agent", "gavel", "school", "code", "edit_note", "translate", "calculate", "insights",
    "science", "campaign", "health_and_safety", "shopping_cart", "travel", "build", "lightbulb",
]  # fmt: skip
Colour = Literal["blue", "green", "orange", "red", "violet", "gray"]
ICONS: tuple[str, ...] = get_args(Icon)
COLOURS: tuple[str, ...] = get_args(Colour)
MAX_QUESTIONS = 6
MAX_NAMED = 100  # collections or skills of one assistant
FORMAT: Literal["inhouse-assistants"] = "inhouse-assistants"
MAX_IN_FILE = 100


def storable(text: str) -> str:
    """Return `text` if every database can store it; raises ValueError otherwise."""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("a text cannot hold NUL or half a surrogate pair")
    return text


Line = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True), AfterValidator(storable)]
Question = Annotated[Line, Field(min_length=1)]
Paragraph = Annotated[str, StringConstraints(max_length=1_000, strip_whitespace=True), AfterValidator(storable)]
Instructions = Annotated[str, StringConstraints(max_length=4_000, strip_whitespace=True), AfterValidator(storable)]


class Setup(BaseModel):
    """What an assistant is made of; everything may be left at its default, which is the usual chat."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Line = ""
    icon: Icon = "smart_toy"
    colour: Colour = "blue"
    grounded: bool = True  # False: it chats without documents
    model: Line = "assistant"  # "assistant": we choose the route
    prompt: Line = ""  # a prompt of the library; "": the usual one
    instructions: Instructions = ""  # stand behind the prompt's own text
    preset: Preset | None = None  # None: the installation's
    # Ids, in a file names; None: all that the person may read.
    collections: tuple[Line, ...] | None = Field(default=None, min_length=1, max_length=MAX_NAMED)
    skills: tuple[Line, ...] | None = Field(default=None, max_length=MAX_NAMED)  # None: all open to the person
    greeting: Paragraph = ""
    questions: tuple[Question, ...] = Field(default=(), max_length=MAX_QUESTIONS)  # offered as buttons


class Entry(Setup):
    """An assistant in a file."""

    name: Annotated[Line, Field(min_length=1, max_length=80)]


class File(BaseModel):
    """Assistants as teams pass them on: without owners, readers and ids."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["inhouse-assistants"] = FORMAT
    version: Literal[1] = 1
    assistants: list[Entry] = Field(max_length=MAX_IN_FILE)
