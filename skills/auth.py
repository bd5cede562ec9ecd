"""How a call proves to a far side who is calling. Secrets are named in entries and read when a request is sent."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from skills.errors import SkillFailure
from skills.http import Http, HttpRequest
from skills.secrets import Secrets
from skills.types import Person

_TOKEN_BYTES = 100_000
_EARLY_S = 30.0  # a token is renewed this long before it ends
_HEADER = r"^[A-Za-z0-9-]{1,64}$"


class _Auth(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiKey(_Auth):
    """A key in a header or in the query."""

    kind: Literal["api_key"]
    where: Literal["header", "query"] = "header"
    name: Annotated[str, Field(pattern=_HEADER)] = "X-API-Key"
    secret: str


class Bearer(_Auth):
    """A fixed token."""

    kind: Literal["bearer"]
    secret: str


class Basic(_Auth):
    """A user name and a password."""

    kind: Literal["basic"]
    user: str
    secret: str


class ClientCredentials(_Auth):
    """OAuth 2 between machines: a token is fetched with an id and a secret, and kept until it ends."""

    kind: Literal["client_credentials"]
    token_url: str
    client_id: str
    secret: str
    scope: str = ""


class PerUser(_Auth):
    """The signed-in person's own token for the far side, so that it applies that person's rights."""

    kind: Literal["user"]
    audience: str


Auth = Annotated[ApiKey | Bearer | Basic | ClientCredentials | PerUser, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request carries as proof."""

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


class Signer:
    """Signs requests as an entry's `auth` says."""

    def __init__(self, auth: Auth | None, secrets: Secrets, http: Http) -> None:
        self._auth = auth
        self._secrets = secrets
        self._http = http
        self._token = ""
        self._until = 0.0
        self._fetching = asyncio.Lock()

    async def sign(self, person: Person) -> Signature:
        """Return what a request on behalf of `person` carries.

        Raises UnknownSecret, or SkillFailure when there is no token to be had.
        """
        match self._auth:
            case None:
                return Signature()
            case ApiKey(where=where, name=name, secret=secret):
                value = {name: self._secrets.get(secret).get_secret_value()}
                return Signature(headers=value) if where == "header" else Signature(query=value)
            case Bearer(secret=secret):
                return _bearer(self._secrets.get(secret).get_secret_value())
            case Basic(user=user, secret=secret):
                pair = f"{user}:{self._secrets.get(secret).get_secret_value()}".encode()
                return Signature(headers={"Authorization": f"Basic {base64.b64encode(pair).decode()}"})
            case ClientCredentials():
                return _bearer(await self._machine_token(self._auth))
            case PerUser(audience=audience):
                return _bearer(await self._person_token(person, audience))

    async def _person_token(self, person: Person, audience: str) -> str:
        token = await person.token(audience) if person.token else None
        if not token:
            raise SkillFailure(f"You are not signed in to {audience}. Sign in there, then ask again.")
        return token

    async def _machine_token(self, auth: ClientCredentials) -> str:
        async with self._fetching:
            if time.monotonic() < self._until:
                return self._token
            form = {
                "grant_type": "client_credentials",
                "client_id": auth.client_id,
                "client_secret": self._secrets.get(auth.secret).get_secret_value(),
            }
            if auth.scope:
                form["scope"] = auth.scope
            headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
            request = HttpRequest("POST", auth.token_url, headers, urlencode(form).encode())
            reply = await self._http(request, max_bytes=_TOKEN_BYTES, timeout_s=10)
            given = reply.json() if reply.status == 200 else {}
            if not isinstance(given, dict) or not isinstance(given.get("access_token"), str):
                raise SkillFailure(f"{auth.token_url} gave no token (status {reply.status}). Check id and secret.")
            lasts = given.get("expires_in")
            self._token = given["access_token"]
            self._until = time.monotonic() + (float(lasts) if isinstance(lasts, int | float) else 300.0) - _EARLY_S
            return self._token


def _bearer(token: str) -> Signature:
    return Signature(headers={"Authorization": f"Bearer {token}"})
