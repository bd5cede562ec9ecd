"""A place in the room of chats, taken before anything of a request is looked at but who sends it.

When a thousand ask at once, those for whom there is no place must not wait behind the others' looks into the database
to hear so; and a place that is held while a body arrives counts for its sender.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response

from assistant.api.admission import Rank, Ticket
from assistant.api.auth import SIGNED_IN, Guarded, Policy
from assistant.api.doors import the_doors
from assistant.people.credentials import Credential

PRIORITY = "X-Assistant-Priority"
_STATE = "assistant.ticket"


class Seated(Policy):
    """The policy of chats: signed in, with a place among those that run or wait."""

    async def admit(self, request: Request) -> None:
        """Let the request pass with a place or raise the refusal; of a full room before the credential is read."""
        room = (await the_doors(request)).chats
        with room.arriving():
            await super().admit(request)
        credential: Credential | None = await self(request)
        assert credential is not None  # or the line above had raised
        request.scope[_STATE] = room.enter(credential.caller.user_id, rank_of(request))


SEATED = Seated(SIGNED_IN.name, needs_credential=True)


class Placed(Guarded):
    """A route under SEATED: its place is given back at the end, unless the endpoint took it over."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the guarded handler, with the end of the place behind it."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            finally:
                if _STATE in request.scope:
                    take_over(request).leave()

        return handle


def rank_of(request: Request) -> Rank:
    """Return the rank of a signed-in caller's request, which may put itself behind all others by a header."""
    return "background" if request.headers.get(PRIORITY, "").strip().lower() == "background" else "person"


def take_over(request: Request) -> Ticket:
    """Return the place of a request; whoever asks must `leave` it from now on."""
    ticket: Ticket = request.scope.pop(_STATE)
    return ticket
