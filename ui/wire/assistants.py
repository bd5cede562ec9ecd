"""Assistants of the gallery."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class Named(Wire):
    """Something with an id and a name."""

    id: str
    name: str


class PromptChoice(Wire):
    """A prompt that an assistant may name."""

    name: str
    job: str = "answer"


class PresetChoice(Wire):
    """A way to choose words."""

    name: str
    about: str = ""


class Choices(Wire):
    """What a person may build an assistant from."""

    icons: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[PromptChoice, ...] = ()
    presets: tuple[PresetChoice, ...] = ()
    collections: tuple[Named, ...] = ()
    skills: tuple[str, ...] = ()


class Assistant(Wire):
    """An assistant as the person may use it."""

    id: str
    name: str
    description: str = ""
    icon: str = "smart_toy"
    colour: str = "blue"
    grounded: bool = True
    model: str = "assistant"
    model_name: str = ""  # under which any OpenAI client may ask it
    prompt: str = ""
    instructions: str = ""
    preset: str | None = None
    collections: tuple[Named, ...] | None = None  # None: all that the person may read
    skills: tuple[str, ...] | None = None  # None: all that are open to the person
    greeting: str = ""
    questions: tuple[str, ...] = ()
    owner: str = ""
    own: bool = False  # whether the person may change it
    shared: bool = False
    readers: tuple[str, ...] | None = None  # None: not told
    withdrawn: bool = False
    updated_at: Epoch = 0.0


class Imported(Wire):
    """What became of a file of assistants."""

    assistants: tuple[Assistant, ...] = ()
    left_out: tuple[str, ...] = ()


class ChatAssistant(Wire):
    """The assistant that a chat was begun with."""

    id: str
    name: str
    state: str = "ready"
    notice: str | None = None
    card: Assistant | None = None  # None when it is gone
