"""Bodies and answers of our own routes. Unknown fields are errors; texts that no database can store never get in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from assistant.api.deps import Line, Text
from assistant.api.own_values import OwnValues

Name = Annotated[Line, Field(min_length=1, max_length=120)]
Reader = Annotated[Line, Field(min_length=1, max_length=160)]
Readers = Annotated[list[Reader], Field(max_length=500)]
Password = Annotated[SecretStr, Field(max_length=1_000)]


class Strict(BaseModel):
    """The root of all bodies."""

    model_config = ConfigDict(extra="forbid")


class SetupBody(Strict):
    """The first administrator."""

    token: Line
    name: Name
    password: Password


class LoginBody(Strict):
    """Name and password."""

    name: Line
    password: Password


class PasswordBody(Strict):
    """A change of the own password."""

    old: Password
    new: Password


class UserBody(Strict):
    """A new user."""

    name: Name
    password: Password
    is_admin: bool = False
    groups: list[Name] = Field(default_factory=list, max_length=200)


class UserChange(Strict):
    """What may change about a user; what is left out stays."""

    active: bool | None = None
    is_admin: bool | None = None
    groups: list[Name] | None = Field(default=None, max_length=200)
    password: Password | None = None


class GroupBody(Strict):
    """A new group."""

    name: Name


class KeyBody(Strict):
    """A new API key."""

    name: Name


class UserJson(BaseModel):
    """A user."""

    id: str
    name: str
    is_admin: bool
    groups: list[str]
    active: bool = True
    prompt_author: bool = False  # told of oneself alone


class SignedIn(BaseModel):
    """A session: its token is shown this once."""

    token: str
    user: UserJson


class KeyJson(BaseModel):
    """An API key; `secret` is there once, in the answer to its creation."""

    id: str
    name: str
    prefix: str  # the first characters, so that people can tell their keys apart
    created_at: float
    last_used_at: float | None
    secret: str | None = None


# A folder's name stands in addresses, where a slash would part it.
FolderName = Annotated[Line, Field(max_length=60, pattern=r"^[^/\\]*$")]


class ConversationBody(Strict):
    """A new conversation."""

    title: Annotated[Line, Field(max_length=200)] = ""
    memory: bool = True
    assistant_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        default=None, description="The assistant of the gallery that all its questions are for"
    )
    manner: OwnValues = Field(default_factory=OwnValues, description="How its answers are worded")


class ConversationChange(Strict):
    """What may change about a conversation; what is left out stays."""

    title: Annotated[Line, Field(min_length=1, max_length=200)] | None = None
    pinned: bool | None = None
    show_turn: Annotated[Line, Field(max_length=64)] | None = None
    memory: bool | None = None
    folder: FolderName | None = Field(default=None, description="The folder to move it to; an empty name: none")
    manner: OwnValues | None = Field(default=None, description="How its answers are worded from now on; {}: as usual")


class FolderChange(Strict):
    """A new name of a folder."""

    name: Annotated[FolderName, Field(min_length=1)]


class RatingBody(Strict):
    """A rating of an answer; null takes it back."""

    rating: Literal["up", "down"] | None
    reason: Annotated[Line, Field(max_length=40)] | None = None
    comment: Annotated[Text, Field(max_length=2_000)] | None = None


NoteText = Annotated[Text, Field(min_length=1, max_length=2_000)]


class NoteBody(Strict):
    """Something to be remembered; without a kind, its words tell."""

    text: NoteText
    kind: Literal["fact", "preference"] | None = None


class GroupNoteBody(Strict):
    """Something for a group to remember."""

    text: NoteText


class NoteChange(Strict):
    """What may change about a note; `keep` makes a note of a suggestion."""

    text: NoteText | None = None
    kind: Literal["fact", "preference"] | None = None
    keep: Literal[True] | None = None


class MemorySwitch(Strict):
    """Whether to be remembered."""

    on: bool


class NotesBody(Strict):
    """Notes to take in, as an export gives them."""

    notes: list[NoteBody] = Field(max_length=1_000)


class CollectionBody(Strict):
    """A new collection."""

    name: Name
    description: Annotated[Text, Field(max_length=2_000)] = ""
    readers: Readers = Field(default_factory=lambda: ["everyone"])


class CollectionChange(Strict):
    """What may change about a collection; what is left out stays."""

    name: Name | None = None
    description: Annotated[Text, Field(max_length=2_000)] | None = None
    readers: Readers | None = None


class DocumentChange(Strict):
    """What may change about a document; what is left out stays."""

    title: Annotated[Line, Field(min_length=1)] | None = None
    readers: Readers | None = None


class ChunkChange(Strict):
    """Whether a chunk may be found."""

    enabled: bool


class BulkBody(Strict):
    """One action on many documents."""

    action: Literal["retry", "delete", "cancel"]
    ids: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]] = Field(min_length=1, max_length=1_000)


class UrlBody(Strict):
    """A page to be fetched and taken in."""

    url: Annotated[Text, Field(min_length=1, max_length=2_000)]


class SearchBody(Strict):
    """A search without an answer."""

    query: Annotated[Text, Field(min_length=1, max_length=10_000)]
    collections: list[Name] | None = Field(default=None, max_length=100)
    limit: int = Field(default=8, ge=1, le=100)


def _texts(given: object) -> object:
    """Return one text as a list of it; raises ValueError for tokens, which some clients send unless told not to."""
    first = given[0] if isinstance(given, list) and given else None
    if isinstance(first, int | list):
        raise ValueError("give texts, not tokens; LangChain's client does with check_embedding_ctx_length=False")
    return [given] if isinstance(given, str) else given


class EmbeddingBody(BaseModel):
    """OpenAI's request for embeddings; its fields that change nothing here are dropped."""

    model_config = ConfigDict(extra="ignore")

    model: Line
    input: Annotated[
        list[Annotated[Text, Field(min_length=1, max_length=100_000)]],
        Field(min_length=1, max_length=2_048),
        BeforeValidator(_texts, json_schema_input_type=str | list[str]),
    ]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


Json = dict[str, Any]
