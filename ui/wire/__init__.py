"""The shapes in which the API speaks, read once at the door. Unknown fields are ignored, so the API may grow."""

from ui.wire.base import Epoch, Wire
from ui.wire.library import (
    Accepted,
    Chunk,
    ChunkPage,
    Collection,
    Document,
    DocumentPage,
    Hit,
    Neighbourhood,
    Refused,
    Scores,
    SearchResult,
    Upload,
)
from ui.wire.people import Group, Key, Session, User
from ui.wire.server import KnowledgeStatus, QueueStatus, Service, Space, Status, Tier
from ui.wire.skills import Approval, CallResult, Skill, SkillCallLine, SkillSource
from ui.wire.talk import Answer, Citation, Conversation, ConversationHead, Feedback, Outcome, Route, Step, Turn

__all__ = [
    "Accepted",
    "Answer",
    "Approval",
    "CallResult",
    "Chunk",
    "ChunkPage",
    "Citation",
    "Collection",
    "Conversation",
    "ConversationHead",
    "Document",
    "DocumentPage",
    "Epoch",
    "Feedback",
    "Group",
    "Hit",
    "Key",
    "KnowledgeStatus",
    "Neighbourhood",
    "Outcome",
    "QueueStatus",
    "Refused",
    "Route",
    "Scores",
    "SearchResult",
    "Service",
    "Session",
    "Skill",
    "SkillCallLine",
    "SkillSource",
    "Space",
    "Status",
    "Step",
    "Tier",
    "Turn",
    "Upload",
    "User",
    "Wire",
]
