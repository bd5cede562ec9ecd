"""What can go wrong when the product fetches something from a network.

EgressError
├── AddressRefused   the URL is malformed, or names a place that the policy does not allow
├── Unreachable      no name, no route, no connection, no TLS, or the connection broke
├── TooSlow          the deadline for the whole exchange passed
├── TooLarge         more bytes than asked for, counted after decompression
└── BadAnswer        a status other than 200, too many redirects, or an encoding that was not asked for
"""

from __future__ import annotations


class EgressError(Exception):
    """The request did not end well; the message is one sentence for people."""


class AddressRefused(EgressError):
    """The URL or the address behind it is not allowed; nothing was sent there."""


class Unreachable(EgressError):
    """No connection could be made or kept."""


class TooSlow(EgressError):
    """The exchange as a whole took longer than allowed."""


class TooLarge(EgressError):
    """The body is larger than allowed."""


class BadAnswer(EgressError):
    """The server answered something that is not a document."""
