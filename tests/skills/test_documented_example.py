"""The example of docs/skills.md works as it is printed there."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from skills.builtin import Host, sources
from skills.fake import embed_words
from skills.settings import SkillsSettings
from skills.skillset import Skillset
from skills.types import Person
from skills.wrap import direct

PAGE = Path(__file__).parents[2] / "docs" / "skills.md"
ANNA = Person("anna", frozenset({"everyone"}))


class _Orders(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.path == "/api/A-1042"
        body = json.dumps({"status": "on its way"} if known else {}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def orders() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Orders)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_the_printed_example_works(tmp_path: Path) -> None:
    module, entry = (re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(), re.S)[0] for kind in ("python", "yaml"))
    assert len([line for line in module.splitlines() if line.strip()]) <= 20
    folder = tmp_path / "team"
    folder.mkdir()
    with orders() as address:
        # The example's host stands for the test's server.
        (folder / "orders.py").write_text(module.replace("https://orders.example", f"http://{address}"))
        allowed = entry.replace("orders.example", "127.0.0.1").replace('["group:sales"]', '["everyone"]')
        (folder / "orders.skill.yaml").write_text(allowed)
        skillset = await Skillset.open(
            SkillsSettings(skills_path=(folder,), allow_hosts=frozenset({"127.0.0.1"})),
            tmp_path,
            embed=embed_words,
            audit=lambda line: None,
            builtin=lambda parts: sources(Host(), parts),
        )
        try:
            found = await skillset.call(direct(ANNA, "order_status", order_id="A-1042"))
            assert (found.status, found.data) == ("ok", {"status": "on its way"}), found
            missing = await skillset.call(direct(ANNA, "order_status", order_id="B-1"))
            assert (missing.status, missing.text) == ("retry", "There is no order B-1.")
        finally:
            await skillset.close()
