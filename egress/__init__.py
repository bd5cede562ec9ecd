"""The one guarded way out: every address that did not come from the site's own settings is fetched through here."""

from __future__ import annotations

from egress.client import Fetched, Received, download, fetch
from egress.errors import AddressRefused, BadAnswer, EgressError, TooLarge, TooSlow, Unreachable
from egress.policy import Policy

__all__ = [
    "AddressRefused",
    "BadAnswer",
    "EgressError",
    "Fetched",
    "Policy",
    "Received",
    "TooLarge",
    "TooSlow",
    "Unreachable",
    "download",
    "fetch",
]
