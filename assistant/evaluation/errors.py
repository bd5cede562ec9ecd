"""What can go wrong while the assistant is measured.

EvaluationError
├── RowsUnusable        a file or folder is missing, empty, or not in a known format
└── NothingToMeasure    no product to measure: no model, or a collection that does not exist
"""

from __future__ import annotations


class EvaluationError(Exception):
    """The root of this package's errors."""


class RowsUnusable(EvaluationError):
    """A file or folder is missing, empty, or not in a known format."""


class NothingToMeasure(EvaluationError):
    """There is nothing to measure: no model, or no such collection."""
