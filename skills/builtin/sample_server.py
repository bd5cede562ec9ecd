"""A small server for demonstrations and tests: live quotes, tickets kept in SQLite, and plain pictures.

    python -m skills.builtin.sample_server --port 8090 --tickets tickets.db

Then set quotes_url to http://127.0.0.1:8090/quotes/{symbol}, tickets_url and images_url to http://127.0.0.1:8090, and
allow_hosts to 127.0.0.1. It trusts the header X-On-Behalf-Of and the prices are made up: not for real use.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import struct
import sys
import zlib
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_PRICES = {"AAPL": 227.5, "MSFT": 418.2, "NVDA": 141.9, "SAP": 219.4, "EURUSD": 1.0842}
_TABLES = """
CREATE TABLE IF NOT EXISTS tickets (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, title TEXT NOT NULL,
    text TEXT NOT NULL, priority TEXT NOT NULL, status TEXT NOT NULL DEFAULT 'open');
CREATE TABLE IF NOT EXISTS comments (ticket INTEGER NOT NULL REFERENCES tickets, text TEXT NOT NULL);
"""
_MAX_BODY = 100_000
_SIDE = 64  # pixels of a picture


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answers."""

    status: int
    body: object


class Tickets:
    """Tickets in one SQLite file; everybody sees their own only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._open()) as database:
            database.executescript(_TABLES)

    def add(self, owner: str, given: dict[str, Any]) -> Reply:
        """Store a ticket."""
        title, text, priority = (given.get(name) for name in ("title", "text", "priority"))
        if not (isinstance(title, str) and title and isinstance(text, str) and priority in ("low", "normal", "high")):
            return Reply(422, {"error": "title, text and priority (low, normal, high) are needed"})
        with closing(self._open()) as database, database:
            row = (owner, title, text, priority)
            made = database.execute("INSERT INTO tickets (owner, title, text, priority) VALUES (?, ?, ?, ?)", row)
            return Reply(201, {"ticket": str(made.lastrowid), "status": "open"})

    def comment(self, owner: str, ticket: str, given: dict[str, Any]) -> Reply:
        """Add a comment to one of the owner's tickets."""
        if self.one(owner, ticket).status != 200 or not isinstance(given.get("text"), str):
            return Reply(404, {"error": "no such ticket of yours"})
        with closing(self._open()) as database, database:
            database.execute("INSERT INTO comments VALUES (?, ?)", (int(ticket), given["text"]))
        return Reply(201, {"ticket": ticket, "comment": "added"})

    def page(self, owner: str, status: str) -> Reply:
        """List the owner's tickets."""
        wanted = "SELECT id, title, priority, status FROM tickets WHERE owner = ? AND (? = 'all' OR status = ?)"
        with closing(self._open()) as database:
            rows = database.execute(wanted, (owner, status, status)).fetchall()
        names = ("ticket", "title", "priority", "status")
        return Reply(200, {"tickets": [dict(zip(names, (str(row[0]), *row[1:]), strict=True)) for row in rows]})

    def one(self, owner: str, ticket: str) -> Reply:
        """Show one of the owner's tickets."""
        if not re.fullmatch(r"\d{1,9}", ticket):
            return Reply(404, {"error": "no such ticket of yours"})
        wanted = "SELECT id, title, text, priority, status FROM tickets WHERE owner = ? AND id = ?"
        with closing(self._open()) as database:
            row = database.execute(wanted, (owner, int(ticket))).fetchone()
            said = database.execute("SELECT text FROM comments WHERE ticket = ?", (int(ticket),)).fetchall()
        if row is None:
            return Reply(404, {"error": "no such ticket of yours"})
        shown = dict(zip(("ticket", "title", "text", "priority", "status"), (str(row[0]), *row[1:]), strict=True))
        return Reply(200, {**shown, "comments": [each[0] for each in said]})

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


def quote(symbol: str, now: datetime) -> Reply:
    """Return a made-up price that changes a little from minute to minute."""
    if symbol not in _PRICES:
        return Reply(404, {"error": f"no quote for {symbol}"})
    step = zlib.crc32(f"{symbol}{now:%Y%m%d%H%M}".encode()) % 201 - 100
    price = round(_PRICES[symbol] * (1 + step / 20_000), 4)
    return Reply(200, {"symbol": symbol, "price": price, "currency": "USD", "time": f"{now:%Y-%m-%dT%H:%MZ}"})


def picture(given: dict[str, Any]) -> Reply:
    """Return a real PNG of one colour, made of the prompt; 64 pixels wide whatever was asked for."""
    prompt = given.get("prompt")
    if not (isinstance(prompt, str) and prompt):
        return Reply(400, {"error": {"message": "prompt is missing"}})
    colour = zlib.crc32(prompt.encode()).to_bytes(4)[:3]
    rows = b"".join(b"\0" + colour * _SIDE for _ in range(_SIDE))
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    blocks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in blocks
    )
    return Reply(200, {"created": 0, "data": [{"b64_json": b64encode(png).decode()}]})


class _Requests(BaseHTTPRequestHandler):
    """Answers from `tickets`, which the server's own subclass holds."""

    tickets: Tickets
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer quotes and tickets."""
        parts = urlsplit(self.path)
        owner = self.headers.get("X-On-Behalf-Of", "")
        match [unquote(part) for part in parts.path.strip("/").split("/")]:
            case ["quotes", symbol]:
                self._send(quote(symbol, datetime.now(UTC)))
            case ["tickets"]:
                self._send(self.tickets.page(owner, parse_qs(parts.query).get("status", ["open"])[0]))
            case ["tickets", ticket]:
                self._send(self.tickets.one(owner, ticket))
            case _:
                self._send(Reply(404, {"error": "not found"}))

    def do_POST(self) -> None:
        """Store tickets and comments, make pictures."""
        size = int(self.headers.get("Content-Length") or 0)
        if size > _MAX_BODY:
            self.close_connection = True
            self._send(Reply(413, {"error": "too large"}))
            return
        try:
            given = json.loads(self.rfile.read(size))
        except ValueError:
            given = None
        owner = self.headers.get("X-On-Behalf-Of", "")
        match [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")], given:
            case ["images", "generations"], dict():
                self._send(picture(given))
            case ["tickets"], dict():
                self._send(self.tickets.add(owner, given))
            case ["tickets", ticket, "comments"], dict():
                self._send(self.tickets.comment(owner, ticket, given))
            case _:
                self._send(Reply(404, {"error": "not found"}))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""

    def _send(self, reply: Reply) -> None:
        body = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_server(port: int, tickets: Tickets) -> ThreadingHTTPServer:
    """Return the server, listening on loopback; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), type("_Own", (_Requests,), {"tickets": tickets}))


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="Sample quotes, tickets and pictures for trying skills out.")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--tickets", type=Path, default=Path("tickets.db"))
    chosen = parser.parse_args()
    server = make_server(chosen.port, Tickets(chosen.tickets))
    sys.stderr.write(f"sample server on http://127.0.0.1:{server.server_port}\n")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
