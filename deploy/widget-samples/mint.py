"""Sign who a visitor is, with nothing but Python's standard library. Run on the site's server, never in a page.

INHOUSE_SECRET=wsk_... python mint.py WIDGET_ID VISITOR_ID [NAME] [GROUP ...]
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time


def mint(secret, widget_id, visitor_id, name="", groups=()):
    """Return a token for one visitor; it is good once, for two minutes."""
    now = int(time.time())
    header = {"alg": "HS256", "typ": "JWT", "kid": secret.split("_", 1)[1].split(".")[0]}
    claims = {"aud": widget_id, "sub": visitor_id, "name": name, "groups": list(groups)}
    claims.update(iat=now, exp=now + 120, jti=secrets.token_hex(16))
    signed = f"{_part(header)}.{_part(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_coded(signature)}"


def _part(value):
    return _coded(json.dumps(value).encode())


def _coded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


if __name__ == "__main__":
    print(mint(os.environ["INHOUSE_SECRET"], sys.argv[1], sys.argv[2], *sys.argv[3:4], sys.argv[4:]))
