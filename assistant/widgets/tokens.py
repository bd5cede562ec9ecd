"""The two signed tokens of a widget (docs/decisions/0060-widget-tokens.md); the only place that reads or writes JWT.

The host site's server signs who its visitor is (single use, minutes); in exchange we sign a visitor token, which names
a session of ours and is good for nothing but this widget.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jwt
from sqlalchemy import Engine

from assistant.secret_file import Secrets
from assistant.widgets import keys, spent
from assistant.widgets.errors import VisitorRefused

VISITOR_PREFIX = "wvt_"
VISITOR_TOKEN_S = 900.0  # the page asks for another one before it ends
HOST_TOKEN_S = 600.0  # longest life of a host's token
LEEWAY_S = 30.0  # how far the host's clock may be off
TOKEN_CHARACTERS = 4_000
_STALE = "Your sign-in to this chat has expired; reload the page."
_WRONG = "This chat could not recognise your sign-in; reload the page."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the host site says its visitor is."""

    subject: str  # the host's own id, 1..200 characters
    name: str
    groups: tuple[str, ...]


def identify(engine: Engine, secrets: Secrets, widget_id: str, token: str) -> Identity:
    """Return who a host's token names, and spend it: the same token is refused from then on.

    Raises VisitorRefused when it is expired, from the future, living too long, forged, for another widget, signed with
    a key that is not good any more, or was used before. The cause is in `__cause__` for the log.
    """
    claims = _host_claims(engine, secrets, widget_id, token)
    subject, name = claims["sub"], claims.get("name", "")
    groups = claims.get("groups", [])
    if not _is_text(subject, 200) or not subject or not isinstance(name, str) or not _are_texts(groups):
        raise VisitorRefused(_WRONG)
    if claims["exp"] - claims["iat"] > HOST_TOKEN_S or not _is_text(claims["jti"], 200):
        raise VisitorRefused(_WRONG)
    if not spent.spend(engine, secrets, f"{widget_id}:token:{claims['jti']}", claims["exp"] + LEEWAY_S):
        raise VisitorRefused(_STALE)
    return Identity(subject, name[:120].replace("\x00", ""), tuple(groups))


def issue(secrets: Secrets, widget_id: str, session_id: str, session_ends: float) -> tuple[str, float]:
    """Return a visitor token for a session, and when it expires (seconds since the epoch)."""
    issued = time.time()
    expires = min(issued + VISITOR_TOKEN_S, session_ends)
    claims = {"aud": f"widget:{widget_id}", "sid": session_id, "iat": int(issued), "exp": int(expires)}
    return VISITOR_PREFIX + jwt.encode(claims, _own_key(secrets), "HS256"), expires


def session_of(secrets: Secrets, widget_id: str, token: str) -> str:
    """Return the id of the session that a visitor token names; raises VisitorRefused."""
    if not token.startswith(VISITOR_PREFIX) or len(token) > TOKEN_CHARACTERS:
        raise VisitorRefused(_WRONG)
    try:
        claims = jwt.decode(
            token.removeprefix(VISITOR_PREFIX),
            _own_key(secrets),
            ["HS256"],
            audience=f"widget:{widget_id}",
            options={"require": ["exp", "aud", "sid"], "strict_aud": True},
        )
    except jwt.ExpiredSignatureError as exc:
        raise VisitorRefused(_STALE) from exc
    except jwt.InvalidTokenError as exc:
        raise VisitorRefused(_WRONG) from exc
    return str(claims["sid"])


def _host_claims(engine: Engine, secrets: Secrets, widget_id: str, token: str) -> dict[str, Any]:
    if len(token) > TOKEN_CHARACTERS:
        raise VisitorRefused(_WRONG)
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        if not isinstance(key_id, str) or not _is_text(key_id, 32):
            raise VisitorRefused(_WRONG)
        secret = keys.secret_for(engine, secrets, widget_id, key_id)
        if secret is None:
            raise VisitorRefused(_WRONG)
        return jwt.decode(
            token,
            secret,
            ["HS256"],
            audience=widget_id,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "aud", "sub", "jti"], "strict_aud": True},
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as exc:
        raise VisitorRefused(_STALE) from exc
    except (jwt.InvalidTokenError, ValueError) as exc:
        raise VisitorRefused(_WRONG) from exc


def _own_key(secrets: Secrets) -> str:
    return secrets.digest("widget-visitors")


def _is_text(value: object, characters: int) -> bool:
    return isinstance(value, str) and len(value) <= characters and value.isprintable()


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and len(value) <= 200 and all(_is_text(item, 80) for item in value)
