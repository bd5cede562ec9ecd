"""The SQL tables of knowledge: the truth from which both indexes are derived.

A document's row is also its ingestion job, so that accepting a document and queueing it is one transaction.
Times are seconds since the epoch by the database host's clock, so that order and leases do not depend on time zones.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

# SQLite autoincrements only plain INTEGER keys; PostgreSQL needs 64 bits.
RowId = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

collections = Table(
    "collections",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(120), nullable=False, unique=True),
    Column("description", Text, nullable=False, default=""),
    Column("private_to", String(32), index=True),  # conversation id of an attachment collection
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

collection_readers = Table(
    "collection_readers",
    metadata,
    Column("collection_id", ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True),
    Column("principal", String(160), primary_key=True, index=True),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("collection_id", ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("media_type", String(120), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("text_sha256", String(64)),  # of the extracted text, for exact duplicates
    Column("uploaded_by", String(160), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    # the job
    Column("status", String(16), nullable=False, index=True),
    Column("stage", String(16), nullable=False),
    Column("progress", Float, nullable=False, default=0.0),
    Column("seconds_left", Float),
    Column("reason", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease_owner", String(64)),
    Column("lease_until", Float),
    Column("cancel_requested", Integer, nullable=False, default=0),
    Column("n_chunks", Integer, nullable=False, default=0),
)
Index("ix_documents_collection_path", documents.c.collection_id, documents.c.path)

document_readers = Table(
    "document_readers",
    metadata,
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True),
    Column("principal", String(160), primary_key=True, index=True),
)

chunks = Table(
    "chunks",
    metadata,
    Column("row", RowId, primary_key=True, autoincrement=True),  # the id that both indexes carry
    Column("id", String(64), nullable=False, unique=True),  # hash of document, content and position: stable
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("collection_id", String(32), nullable=False, index=True),
    Column("n", Integer, nullable=False),  # position in the document, from 0
    Column("text", Text, nullable=False),
    Column("heading", Text, nullable=False, default=""),
    Column("page", Integer),  # where it begins
    Column("page_breaks", Text, nullable=False, default="", server_default=""),  # JSON: [[character, page], ...]
    Column("anchor", Text, nullable=False, default=""),
    Column("enabled", Integer, nullable=False, default=1),
    UniqueConstraint("document_id", "n"),
    sqlite_autoincrement=True,  # a row number is never used again, so a stale index entry cannot name another chunk
)

vectors = Table(
    "vectors",
    metadata,
    Column("chunk_row", ForeignKey("chunks.row", ondelete="CASCADE"), primary_key=True),
    Column("model", String(120), primary_key=True),  # several embedding models side by side while one replaces another
    Column("vector", LargeBinary, nullable=False),  # float16, little endian
)

# Every addition and removal of chunks, in order; indexes follow it by number.
changes = Table(
    "changes",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=True),
    Column("chunk_row", BigInteger, nullable=False),
    Column("kind", String(8), nullable=False),  # "add" or "remove"
    sqlite_autoincrement=True,
)

# What holds for the whole knowledge base: "database" (its identity, new after each restore), "embedder" (the live one).
facts = Table(
    "knowledge_facts",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(200), nullable=False),
)
