"""The SQL tables of conversations, turns, calls, memory and prompts, on the same MetaData as those of knowledge.

Times are seconds since the epoch. Importing this module declares those of people and widgets too.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

import assistant.people.tables  # noqa: F401 - declares its tables on the shared metadata
import assistant.widgets.tables  # noqa: F401 - declares its tables on the shared metadata
from knowledge.tables import RowId, metadata

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(32), nullable=False),  # a user's id, or "local"
    Column("title", String(200), nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("memory", Boolean, nullable=False, server_default=true()),  # false: nothing is recalled or remembered in it
    Column("folder", String(60), nullable=False, server_default=""),  # a name that its owner gave; "" for none
    Column("manner", Text, nullable=False, server_default=""),  # JSON of what its owner set about sampling; "" for none
    # The assistant that it was begun with, as it was when last asked; no foreign key: what is gone is still named.
    Column("assistant_id", String(32), nullable=False, server_default=""),  # "" for none
    Column("assistant_name", String(80), nullable=False, server_default=""),
    Column("assistant_revision", Integer, nullable=False, server_default="0"),  # -1: its owner was told that it is gone
    Column("head", String(32)),  # the turn that is shown last; its ancestors are the conversation
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)
Index("ix_conversations_owner_id_updated_at", conversations.c.owner_id, conversations.c.updated_at)

# Turns form a tree: editing or regenerating adds a sibling, and nothing that was said is lost.
turns = Table(
    "turns",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("parent_id", String(32)),  # the turn before it; None for the first
    Column("n", Integer, nullable=False),  # order of asking within the conversation, from 1
    Column("question", Text, nullable=False),
    Column("status", String(16), nullable=False),  # "running", "done", "stopped", "failed"
    Column("answer", Text),  # JSON, the shape of assistant/wire.py; None while running
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
)
Index("ix_turns_conversation_id_n", turns.c.conversation_id, turns.c.n, unique=True)

# The vector of a question, for finding it again within its chat once the chat is long.
turn_vectors = Table(
    "turn_vectors",
    metadata,
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("model", String(120), nullable=False),  # the embedder that made the vector
    Column("vector", LargeBinary, nullable=False),  # fp16
)

# What the owner of a long chat stated in it, in their own sentences.
chat_summaries = Table(
    "chat_summaries",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("upto", String(32), nullable=False),  # the last turn that it covers
    Column("sentences", Text, nullable=False),  # JSON list, in the order in which they were said
)

# Snapshots of conversations that colleagues may open by link, one of each; gone with the conversation.
shared_chats = Table(
    "shared_chats",
    metadata,
    Column("id", String(32), primary_key=True),  # random, and part of the link
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("title", String(200), nullable=False),
    Column("turns", Text, nullable=False),  # JSON, see assistant/sharing.py
    Column("created_at", Float, nullable=False),
)
Index("ix_shared_chats_conversation_id", shared_chats.c.conversation_id, unique=True)

feedback = Table(
    "feedback",
    metadata,
    Column("turn_id", ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("owner_id", String(32), nullable=False),
    Column("rating", String(4), nullable=False, index=True),  # "up" or "down"
    Column("reason", String(40)),
    Column("comment", Text),
    Column("updated_at", Float, nullable=False, index=True),
)

# One row per finished turn, appended once and never changed: what telemetry and data sets are derived from.
turn_records = Table(
    "turn_records",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=True),
    Column("turn_id", String(32), nullable=False, unique=True),
    Column("owner_id", String(32), nullable=False, index=True),
    Column("conversation_id", String(32), index=True),
    Column("created_at", Float, nullable=False, index=True),
    Column("data", Text, nullable=False),  # JSON of assistant/record.py
    Column("visitor", Boolean, nullable=False, server_default=false()),  # asked by a widget's visitor
    sqlite_autoincrement=True,
)

# Calls of skills that a person has to approve. They outlive a restart, belong to who asked, and run at most once.
approvals = Table(
    "approvals",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(32), nullable=False),  # who asked, and the only one who may decide
    Column("turn_id", String(32), nullable=False, index=True),  # the turn that stopped here
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), index=True),  # of the turn, if any
    Column("skill", String(64), nullable=False),
    Column("arguments", Text, nullable=False),  # JSON, as they are run
    Column("digest", String(64), nullable=False),  # of the exact call; see skills/types.py
    Column("call_id", String(200), nullable=False),
    Column("tainted", Boolean, nullable=False),  # text of strangers was in the context
    Column("state", String(16), nullable=False),  # "waiting", "running", then how it ended
    Column("question", Text, nullable=False),
    Column("model", String(200), nullable=False),  # as the caller asked for it
    Column("context", Text),  # JSON of what the turn goes on from; None once it has
    Column("result", Text),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("decided_at", Float),
)
Index("ix_approvals_owner_id_created_at", approvals.c.owner_id, approvals.c.created_at)

# Calls of skills that are declared as long: watched and cancelled while they run, taken over after a restart.
long_calls = Table(
    "long_calls",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(32), nullable=False),  # who asked, and the only one who sees and cancels it
    Column("call_id", String(200), nullable=False),  # begins with the turn's id, where it was made in one
    Column("skill", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("effect", String(8), nullable=False),  # "read": may begin again after a crash
    Column("arguments", Text, nullable=False),  # JSON
    Column("tainted", Boolean, nullable=False),
    Column("state", String(16), nullable=False, index=True),  # "running", "cancelling", then how it ended
    Column("done", Float),  # 0..1; None when not known
    Column("note", Text, nullable=False),
    Column("result", Text),
    Column("attempts", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),  # while it runs, the last sign of life of its server
)
Index("ix_long_calls_owner_id_created_at", long_calls.c.owner_id, long_calls.c.created_at)

# What a person asked to be remembered. The vector lies beside its text: there is no index that could outlive the row.
memories = Table(
    "memories",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(32), nullable=False, index=True),  # a user's id, or "local"
    Column("text", Text, nullable=False),
    Column("kind", String(12), nullable=False),  # "fact": recalled when it is close; "preference": always
    Column("status", String(12), nullable=False),  # "kept", or "suggested" until the person has confirmed it
    Column("topic", String(120), nullable=False),  # what it is about; of two with one topic the newer one is kept
    Column("origin", String(8), nullable=False),  # "chat", "page", "import"
    Column("turn_id", String(32)),  # the turn in which it was said
    Column("model", String(120), nullable=False),  # the embedder that made the vector
    Column("vector", LargeBinary, nullable=False),  # fp16
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

# What a group remembers: written by a member on purpose, recalled for its members alone, gone with the group.
group_notes = Table(
    "group_notes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("group_name", ForeignKey("groups.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("text", Text, nullable=False),
    Column("topic", String(120), nullable=False),  # what it is about; of two with one topic the newer one is kept
    Column("author_id", String(32), nullable=False),
    Column("model", String(120), nullable=False),  # the embedder that made the vector
    Column("vector", LargeBinary, nullable=False),  # fp16
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

# Who has switched memory off; nobody has a row before the first time.
memory_switches = Table(
    "memory_switches",
    metadata,
    Column("owner_id", String(32), primary_key=True),
    Column("is_on", Boolean, nullable=False),
)

# Versions of prompts, from 1; version 0 is the packaged file, which is not stored. Rows are never changed.
prompt_versions = Table(
    "prompt_versions",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("text", Text, nullable=False),  # YAML
    Column("note", String(200), nullable=False),  # why it was written
    Column("author_id", String(32), nullable=False),
    Column("created_at", Float, nullable=False),
)

# Which version was made live, when and by whom; the last row of a name holds.
prompt_publications = Table(
    "prompt_publications",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=True),
    Column("name", String(60), nullable=False, index=True),
    Column("n", Integer),  # None: withdrawn
    Column("by_id", String(32), nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,
)

# What administrators chose about models while the server runs.
model_choices = Table(
    "model_choices",
    metadata,
    Column("kind", String(16), primary_key=True),  # "adapter", "model" or "preset"
    Column("name", String(200), primary_key=True),
    Column("value", Text, nullable=False),  # JSON, see assistant/models/choices.py
    Column("updated_by", String(32), nullable=False),
    Column("updated_at", Float, nullable=False),
)

# Pictures that a skill had made, for the person who asked; gone with the conversation.
drawn_pictures = Table(
    "drawn_pictures",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(32), nullable=False, index=True),  # who asked, and the only one who sees it
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), index=True),  # None: of no chat
    Column("media_type", String(20), nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
)

# What administrators have written for questions that are often asked.
curated_answers = Table(
    "curated_answers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("questions", Text, nullable=False),  # JSON list; the first one is shown
    Column("answer", Text, nullable=False),
    Column("citations", Text, nullable=False),  # JSON list, in the order of the answer's marks
    Column("readers", Text, nullable=False),  # JSON list of principals
    Column("enabled", Boolean, nullable=False),
    Column("given", Integer, nullable=False),  # how often it was the answer
    Column("updated_by", String(32), nullable=False),
    Column("updated_at", Float, nullable=False),  # never the same twice: followers compare the latest one
)

# Assistants of the gallery.
assistants = Table(
    "assistants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("name_key", String(160), nullable=False),
    Column("owner_id", String(32), nullable=False),  # a user's id, or "local"
    Column("setup", Text, nullable=False),  # JSON, see assistant/gallery/setup.py
    Column("withdrawn", Boolean, nullable=False),  # true: an administrator took it out of the gallery
    Column("revision", Integer, nullable=False),  # counts changes to name and setup
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    UniqueConstraint("owner_id", "name_key"),
)

assistant_readers = Table(
    "assistant_readers",
    metadata,
    Column("assistant_id", ForeignKey("assistants.id", ondelete="CASCADE"), primary_key=True),
    Column("principal", String(160), primary_key=True, index=True),
)
