"""What can go wrong in knowledge. Each message is one sentence with the value and what to do.

KnowledgeError
├── NameTaken            a collection of that name exists
├── InvalidValue         a name, reader or limit that cannot be stored
├── LeaseLost            the worker no longer owns the document it wants to store
├── IndexUnavailable     neither the dense nor the keyword stage can answer
├── IndexDamaged         the files of one index are torn or missing; it is made anew from SQL
├── FolderInUse          another process owns the index folder
└── EmbedderUnavailable  no vectors can be made now
    └── ModelFileDamaged the model file is missing or its SHA-256 differs
"""

from __future__ import annotations


class KnowledgeError(Exception):
    """The root of this package's errors."""


class NameTaken(KnowledgeError):
    """A collection of that name exists."""


class InvalidValue(KnowledgeError):
    """A name, reader or limit that cannot be stored."""


class LeaseLost(KnowledgeError):
    """The worker no longer owns the document that it wants to store."""


class IndexUnavailable(KnowledgeError):
    """Neither the dense nor the keyword stage can answer."""


class IndexDamaged(KnowledgeError):
    """The files of one index are torn or missing; it is made anew from SQL."""


class FolderInUse(KnowledgeError):
    """Another process owns the index folder."""


class EmbedderUnavailable(KnowledgeError):
    """No vectors can be made now."""


class ModelFileDamaged(EmbedderUnavailable):
    """The model file is missing or its SHA-256 differs."""
