"""Who may use a widget's routes: pages of listed origins, visitors with a token of ours, servers that sign.

A visitor token is looked at here and nowhere else, so it opens no other route; and these routes know no other token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from assistant.api.auth import DESCRIBED, Policy
from assistant.api.deps import the_app
from assistant.logs import log
from assistant.threads import in_thread
from assistant.types import Caller
from assistant.widgets import registry, signature, tokens, visitors
from assistant.widgets.errors import OriginRefused, VisitorRefused, WidgetError, WidgetOff
from assistant.widgets.types import Session, Widget

ORIGIN = "assistant.widget_origin"  # in the ASGI scope: the origin that may read the answer, once it was checked
_STATE = "assistant.widget_entry"
_OFF = "This chat is not available at the moment."
_FOREIGN = "This chat is not available on this site."
_log = log("widgets")


@dataclass(frozen=True, slots=True)
class Entry:
    """What a policy found out about a request of a widget."""

    widget: Widget
    origin: str  # "" for a help desk's server
    session: Session | None = None

    @property
    def visitor(self) -> Session:
        """Return the visitor's session; only for routes whose policy asks for one."""
        assert self.session is not None
        return self.session

    @property
    def caller(self) -> Caller:
        """Return the visitor as one who asks."""
        return self.visitor.caller(self.widget)


class AtOrigin(Policy):
    """Pages of the origins that the widget lists; none when it lists none."""

    asks_first = False  # True: a browser's question whether it may send; it must learn that the widget is off later

    async def admit(self, request: Request) -> None:
        """Let the request pass or raise the refusal, with a line in the log."""
        identifier = str(request.scope["path_params"]["widget_id"])[:80]
        try:
            request.scope[_STATE] = await self.entry(request, identifier)
        except WidgetError as error:
            cause = f"{type(error.__cause__).__name__}: {error.__cause__}" if error.__cause__ else str(error)
            origin = request.headers.get("origin", "")[:300]
            _log.warning("a widget refused a request", widget_id=identifier, origin=origin, reason=cause[:300])
            raise

    async def entry(self, request: Request, identifier: str) -> Entry:
        """Return the widget and the origin that asks; raises WidgetError."""
        widget = await in_thread(registry.get, the_app(request).engine, identifier)
        origin = request.headers.getlist("origin")
        if widget is None or len(origin) != 1 or origin[0] not in widget.profile.origins:
            raise OriginRefused(_FOREIGN)
        request.scope[ORIGIN] = origin[0]
        if not widget.enabled and not self.asks_first:
            raise WidgetOff(_OFF)
        return Entry(widget, origin[0])

    async def __call__(self, request: Request) -> Entry:  # type: ignore[override]  # nobody calls it but FastAPI, which gives what it names
        """Return what `admit` found; FastAPI calls this for the endpoint."""
        found: Entry = request.scope[_STATE]
        return found


class Preflight(AtOrigin):
    """The same pages, asking what they may send, also while the widget is switched off."""

    asks_first = True


class Visitor(AtOrigin):
    """A visitor with a token of ours, on a page of the origin for which it was made."""

    async def entry(self, request: Request, identifier: str) -> Entry:
        """Return the widget, the origin and the visitor's session; raises WidgetError."""
        at = await super().entry(request, identifier)
        app = the_app(request)
        given = request.headers.getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        session_id = tokens.session_of(app.secrets, at.widget.id, token if scheme.lower() == "bearer" else "")
        session = await in_thread(visitors.find, app.engine, at.widget.id, session_id)
        if session is None or session.origin != at.origin:
            raise VisitorRefused("This visit to the chat has ended; reload the page.")
        return Entry(at.widget, at.origin, session)

    async def __call__(  # type: ignore[override]  # nobody calls it but FastAPI, which gives what it names
        self, request: Request, _described: Annotated[object, Depends(DESCRIBED)] = None
    ) -> Entry:
        """Return what `admit` found; FastAPI calls this for the endpoint."""
        found: Entry = request.scope[_STATE]
        return found


class HelpDesk(AtOrigin):
    """A server that signs its requests with a key of the widget; browsers never do."""

    async def entry(self, request: Request, identifier: str) -> Entry:
        """Return the widget; raises WidgetError. The body is read only for a key that is good."""
        app = the_app(request)
        widget = await in_thread(registry.get, app.engine, identifier)
        if widget is None:
            raise VisitorRefused("There is no such widget, or the signature is wrong.")
        secret = await in_thread(signature.claimed_key, app.engine, app.secrets, identifier, request.headers)
        body = await request.body()
        await in_thread(signature.verify, app.engine, app.secrets, identifier, secret, request.headers, body)
        if not widget.enabled:
            raise WidgetOff(_OFF)
        return Entry(widget, "")


PREFLIGHT = Preflight("a page of a listed origin, asking first", needs_credential=False)
AT_ORIGIN = AtOrigin("a page of a listed origin", needs_credential=False)
VISITOR = Visitor("a widget's visitor", needs_credential=True)
HELP_DESK = HelpDesk("a signed request of a widget's server", needs_credential=True)
