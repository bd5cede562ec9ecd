"""The SQL tables of widgets and their visitors. What visitors say lies in `conversations`, owned by their own ids."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, String, Table, Text, UniqueConstraint

from knowledge.tables import metadata

widgets = Table(
    "widgets",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("enabled", Boolean, nullable=False),  # false: every token and key is refused at once
    Column("profile", Text, nullable=False),  # JSON of assistant/widgets/profile.py
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

# Signing keys. The secret itself is stored nowhere: it is derived from the installation's key and this id.
widget_keys = Table(
    "widget_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("widget_id", ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Float, nullable=False),
)

widget_visitors = Table(
    "widget_visitors",
    metadata,
    Column("id", String(32), primary_key=True),  # owns the visitor's conversations; never equal to a user's id
    Column("widget_id", ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("subject", String(200)),  # who the host site says it is; None: anonymous
    Column("name", String(120), nullable=False),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("widget_id", "subject"),
)

widget_sessions = Table(
    "widget_sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("widget_id", ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("visitor_id", ForeignKey("widget_visitors.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("origin", String(300), nullable=False),  # "" for a help desk's server
    Column("groups", Text, nullable=False),  # JSON list of names
    Column("resume_hash", String(64), unique=True),  # of an anonymous visitor's handle
    Column("conversation_id", String(32)),  # the one that is shown; None before the first question
    Column("messages", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False, index=True),
)

widget_conversations = Table(
    "widget_conversations",
    metadata,
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), primary_key=True),
    Column("widget_id", ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("visitor_id", ForeignKey("widget_visitors.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Float, nullable=False, index=True),
)

# What was shown once and must not be shown again: host tokens, solved challenges, signatures.
widget_spent = Table(
    "widget_spent",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", Float, nullable=False, index=True),
)

widget_usage = Table(
    "widget_usage",
    metadata,
    Column("widget_id", ForeignKey("widgets.id", ondelete="CASCADE"), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # days since the epoch, UTC
    Column("sessions", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
)

widget_hand_overs = Table(
    "widget_hand_overs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("widget_id", ForeignKey("widgets.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("conversation_id", ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("contact", String(320), nullable=False),  # where the visitor wants the answer
    Column("note", Text, nullable=False),
    Column("status", String(16), nullable=False),  # "waiting", "sent", "failed"
    Column("detail", String(300), nullable=False),
    Column("created_at", Float, nullable=False),
)
