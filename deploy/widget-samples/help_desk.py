"""A help desk in front of a widget: pass a customer's message on, and take signed answers and hand-overs.

    INHOUSE_SECRET=wsk_... python help_desk.py ask https://chat.example.com WIDGET_ID CUSTOMER_ID "Where is my order?"
    INHOUSE_SECRET=wsk_... python help_desk.py listen 8090

Only Python's standard library. `ask` prints the answer; when the widget names an address for replies, they arrive at
`listen` instead, as hand-overs do.
"""

import hashlib
import hmac
import json
import os
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import Request, urlopen

TOLERANCE_S = 300


def signature(secret, stamp, body):
    """Return the signature of a body that is sent at `stamp`, seconds since the epoch as text."""
    return "v1=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def ask(secret, address, widget_id, customer_id, text):
    """Return what the widget answers to a customer's message."""
    message = {"id": uuid.uuid4().hex, "visitor": {"id": customer_id}, "text": text}
    body, stamp = json.dumps(message).encode(), str(int(time.time()))
    headers = {"Content-Type": "application/json", "Inhouse-Timestamp": stamp}
    headers["Inhouse-Key"] = secret.split("_", 1)[1].split(".")[0]
    headers["Inhouse-Signature"] = signature(secret, stamp, body)
    request = Request(f"{address}/api/widget/{widget_id}/messages", body, headers, method="POST")
    with urlopen(request, timeout=300) as reply:
        return json.load(reply)


def genuine(secret, headers, body):
    """Return whether a request was signed by the widget, a short while ago."""
    stamp, given = headers.get("Inhouse-Timestamp", ""), headers.get("Inhouse-Signature", "")
    fresh = stamp.isdigit() and abs(time.time() - int(stamp)) <= TOLERANCE_S
    return fresh and hmac.compare_digest(given.encode(), signature(secret, stamp, body).encode())


class Listener(BaseHTTPRequestHandler):
    """Prints what the widget sends; a real help desk opens a ticket, or answers in the messenger."""

    def do_POST(self):
        """Take one signed message."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 1_000_000))
        good = genuine(os.environ["INHOUSE_SECRET"], self.headers, body)
        self.send_response(204 if good else 401)
        self.end_headers()
        if good:
            print(json.dumps(json.loads(body)), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        print(json.dumps(ask(os.environ["INHOUSE_SECRET"], *sys.argv[2:6])))
    else:
        server = HTTPServer(("127.0.0.1", int(sys.argv[2])), Listener)
        print(server.server_address[1], flush=True)
        server.serve_forever()
