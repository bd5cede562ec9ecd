"""What can go wrong with ratings.

RatingsClosed     somebody who is no administrator asks for the ratings of others
"""

from __future__ import annotations

from assistant.errors import AssistantError


class RatingsClosed(AssistantError):
    """Ratings are read by administrators alone."""
