"""Who asks, and may they: every route names one policy, and a route without one cannot be made.

Policies look at the Authorization header and the route they are attached to, never at the address that was asked.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from assistant.api import errors
from assistant.api.deps import the_app
from assistant.people import users
from assistant.people.credentials import LOCAL_ID, Credential, authenticate, caller_of, local_caller
from assistant.secret_file import LOCAL_PREFIX
from assistant.threads import in_thread

_STATE = "assistant.credential"
DESCRIBED = HTTPBearer(auto_error=False, description="A session token from /api/login, or an API key.")


class Policy:
    """Decides on a request before its body is read, and hands the credential to the endpoint."""

    def __init__(
        self, name: str, *, needs_credential: bool, needs_admin: bool = False, needs_session: bool = False
    ) -> None:
        """Keep what a caller needs; `name` is what the table of policies shows."""
        self.name = name
        self._needs_credential = needs_credential
        self._needs_admin = needs_admin
        self._needs_session = needs_session

    async def admit(self, request: Request) -> None:
        """Let the request pass or raise the refusal."""
        if not self._needs_credential:
            request.scope[_STATE] = None
            return
        credential = await _credential(request)
        if credential is None:
            raise errors.signed_out()
        if self._needs_admin and not credential.caller.is_admin:
            raise errors.not_allowed()
        if self._needs_session and credential.caller.credential == "key":
            raise errors.not_allowed("An API key cannot do this; sign in with name and password.")
        request.scope[_STATE] = credential

    async def __call__(
        self, request: Request, _described: Annotated[object, Depends(DESCRIBED)] = None
    ) -> Credential | None:
        """Return the credential that `admit` found; FastAPI calls this for the endpoint."""
        found: Credential | None = request.scope[_STATE]
        return found


class Anyone(Policy):
    """The policy of the few routes that need no credential."""

    async def __call__(self, request: Request) -> None:  # type: ignore[override]  # nobody calls it but FastAPI, which gives what it names
        """Return nothing: there is nobody to know."""
        return


class Author(Policy):
    """The policy of the prompt library: administrators, and members of the groups that the settings name."""

    async def admit(self, request: Request) -> None:
        """Let authors pass or raise the refusal."""
        await super().admit(request)
        credential: Credential = request.scope[_STATE]
        groups = {f"group:{name}" for name in the_app(request).settings.prompts.authors}
        if not credential.caller.is_admin and not groups & credential.caller.scope.principals:
            raise errors.not_allowed("Only prompt authors and administrators may do this; ask an administrator.")


ANYONE = Anyone("anyone", needs_credential=False)
SIGNED_IN = Policy("signed in", needs_credential=True)
IN_PERSON = Policy("signed in with a password", needs_credential=True, needs_session=True)
ADMIN = Policy("administrator", needs_credential=True, needs_admin=True)
AUTHOR = Author("prompt author", needs_credential=True)


class Guarded(APIRoute):
    """A route that runs its policy first: before the body is read, before anything else is looked at."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler behind the policy; raises RuntimeError for a route that names none, or two."""
        policy = policy_of(self)
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            await policy.admit(request)
            return await inner(request)

        return handle


def policy_of(route: APIRoute) -> Policy:
    """Return the one policy of a route; raises RuntimeError when it has none, or several."""
    found = {dependency.call for dependency in route.dependant.dependencies if isinstance(dependency.call, Policy)}
    if len(found) != 1:
        raise RuntimeError(f"The route {route.path} names {len(found)} policies; give it exactly one of api/auth.py.")
    policy = found.pop()
    assert isinstance(policy, Policy)
    return policy


async def _credential(request: Request) -> Credential | None:
    given = request.headers.getlist("authorization")
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(" ")
    if scheme.lower() != "bearer" or not token.isascii():
        return None
    app = the_app(request)
    if token.startswith(LOCAL_PREFIX):
        return await _local(request, token)
    return await in_thread(authenticate, app.engine, app.secrets, token)


async def _local(request: Request, token: str) -> Credential | None:
    """Return the command line's credential: only from this very machine, and with the data folder's own key."""
    app = the_app(request)
    peer = request.client.host if request.client else ""
    if not hmac.compare_digest(token, app.secrets.local) or not _is_loopback(peer):
        return None
    if request.headers.get("x-forwarded-for"):  # somebody else's request, handed on by a proxy of this machine
        return None
    name = request.headers.get("x-assistant-as")
    if name is None:
        return Credential(LOCAL_ID, local_caller())
    user = await in_thread(users.named, app.engine, name)
    if user is None or not user.active:
        raise errors.Refusal(404, "not-found", f"There is no active user named {name[:80]!r}; `assistant users list`.")
    return Credential(LOCAL_ID, caller_of(user, "local"))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
