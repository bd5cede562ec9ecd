"""What can go wrong with widgets. Each message is one sentence that a visitor or administrator can act upon.

WidgetError
├── WidgetOff                 there is no such widget, or it was switched off
├── OriginRefused             the page's origin is not on the widget's list
├── VisitorRefused            a token, handle or signature is expired, forged, replayed, or another widget's
├── LimitReached              a limit of the visitor or the widget is used up
├── WidgetNameTaken           another widget has that name
└── ProfileRefused            a part of the configuration cannot be used
"""

from __future__ import annotations

from assistant.errors import AssistantError, ComeBackLater


class WidgetError(AssistantError):
    """The root of this package's errors."""


class WidgetOff(WidgetError):
    """There is no such widget, or it was switched off."""


class OriginRefused(WidgetError):
    """The page's origin is not on the widget's list."""


class VisitorRefused(WidgetError):
    """A token, handle or signature is expired, forged, replayed, or another widget's."""


class LimitReached(WidgetError, ComeBackLater):
    """A limit of the visitor or the widget is used up."""


class WidgetNameTaken(WidgetError):
    """Another widget has that name."""


class ProfileRefused(WidgetError):
    """A part of the configuration cannot be used."""
