"""Signed requests between servers: the widget's key over the time and the exact body, in both directions.

Inhouse-Key: <id of the key>
Inhouse-Timestamp: <seconds since the epoch>
Inhouse-Signature: v1=<hex of HMAC-SHA256(secret, "<timestamp>.<body>")>
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping

from sqlalchemy import Engine

from assistant.secret_file import Secrets
from assistant.widgets import keys, spent
from assistant.widgets.errors import VisitorRefused

KEY, TIMESTAMP, SIGNATURE = "Inhouse-Key", "Inhouse-Timestamp", "Inhouse-Signature"
TOLERANCE_S = 300.0
_REFUSED = "The signature is missing, wrong, too old or used before; sign each request anew with a key that is good."


def signed(secret: str, body: bytes, moment: float) -> dict[str, str]:
    """Return the three headers for a body that is sent at `moment`, seconds since the epoch."""
    stamp = str(int(moment))
    return {
        KEY: secret.partition("_")[2].partition(".")[0],
        TIMESTAMP: stamp,
        SIGNATURE: _signature(secret, stamp, body),
    }


def claimed_key(engine: Engine, secrets: Secrets, widget_id: str, headers: Mapping[str, str]) -> str:
    """Return the secret of the key that a request names, before its body is read; raises VisitorRefused."""
    stamp = headers.get(TIMESTAMP, "")
    fresh = stamp.isascii() and stamp.isdigit() and len(stamp) < 13 and abs(time.time() - int(stamp)) <= TOLERANCE_S
    secret = keys.secret_for(engine, secrets, widget_id, headers.get(KEY, "")[:40]) if fresh else None
    if secret is None:
        raise VisitorRefused(_REFUSED)
    return secret


def verify(
    engine: Engine, secrets: Secrets, widget_id: str, secret: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Accept a signature once; raises VisitorRefused."""
    stamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    right = hmac.compare_digest(given.encode("latin-1", "replace"), _signature(secret, stamp, body).encode())
    if not right or not spent.spend(engine, secrets, f"{widget_id}:signature:{given}", int(stamp) + TOLERANCE_S):
        raise VisitorRefused(_REFUSED)


def _signature(secret: str, stamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
