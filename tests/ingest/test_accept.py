"""From an upload to queued documents: names, archives, doubles, URLs."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

import egress
from ingest.accept import Upload, accept_upload, accept_url, shown_path
from ingest.files import FileStore
from ingest.settings import IngestSettings, Limits
from knowledge import documents
from knowledge.errors import InvalidValue
from knowledge.types import Collection
from tests.ingest import builders
from tests.ingest.conftest import ADMIN, QUICK, Put, everything

NAMES = [
    "../../etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "C:\\windows\\x.txt", "\\\\host\\share\\x.txt",
    "%2e%2e/%2e%2e/x.txt", "..%c0%af..%c0%afx.txt", "....//....//x.txt", "a/../../../x.txt", "./x.txt", "~/x.txt",
    "~root/x.txt", "$HOME/x.txt", "`id`.txt", "$(id).txt", "; rm -rf x.txt", "a|b.txt", "a\nb.txt", "a\rb.txt",
    "a\0b.txt", "x.txt\0.png", "\x1b[31mred.txt", "CON", "CON.txt", "NUL.txt", "aux.txt", "x.txt::$DATA",
    "x.txt:stream",
    "x.txt.", "x.txt ", " x.txt", ".htaccess", "..", ".", "", "/", "//", "\\", "...", "a" * 4096 + ".txt",
    "ä" * 2000 + ".txt", "\u202etxt.exe", "x\u200b.txt", "\ufeffx.txt", "\ud800x.txt", "😀.txt", "x" * 255 + "/y.txt",
    "/".join("d" * 200), "<script>alert(1)</script>.txt", "'\"><img src=x>.txt", "x.txt?y=1", "x.txt#y", "file:///etc/passwd",
    "http://127.0.0.1/x.txt", "proc/self/environ", "/proc/self/fd/0", "/dev/null", "x.txt/", "x.txt/..", "{{7*7}}.txt",
    "%s%s%n.txt", "../" * 100 + "x.txt", "incoming-x", "aa/" + "a" * 64, "x\\..\\..\\y.txt", "-rf", "--help.txt",
    "*.txt",
    "?.txt", "[a].txt", "a\tb.txt", "ｘ．ｔｘｔ", "．．/x.txt", "x\u2215y.txt", "x\u2044y.txt", "x\\u002e\\u002e.txt",
    "nul\u0000/../x.txt", "\\\\?\\C:\\x.txt", "x.txt;.pdf",
]  # fmt: skip


def nested(depth: int) -> bytes:
    data = builders.archive({"a.md": "# A"})
    for _ in range(depth):
        data = builders.archive({"again.zip": data})
    return data


def all_files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_it_lets_no_name_touch_the_disk(tmp_path: Path, put: Put) -> None:
    before = all_files(tmp_path)
    body = b"just some text"
    for name in NAMES:
        accepted = put(name, body)
        assert [refusal.code for refusal in accepted.refused] in ([], ["mismatch"]), name
        for document in accepted.documents:
            assert document.path.isprintable() and len(document.path) <= 1_000
            assert not {"..", ".", ""} & set(document.path.split("/")), name
    new = {path for path in all_files(tmp_path) - before if not path.startswith("assistant.db")}
    digest = hashlib.sha256(body).hexdigest()
    assert new == {f"files/{digest[:2]}/{digest}"}


def test_it_keeps_folders_and_readable_names() -> None:
    assert shown_path("hr/Leave policy 2025.md") == "hr/Leave policy 2025.md"
    assert shown_path("hr\\Größe.md") == "hr/Größe.md"
    assert shown_path("a" * 3000 + ".md").endswith("a.md")


def test_it_queues_a_document_that_is_on_disk(put: Put, store: FileStore, engine: Engine) -> None:
    document = put("hr/leave.md", b"# Leave\n\n25 days").documents[0]
    assert (document.status, document.stage, document.title, document.path) == (
        "queued", "waiting", "leave.md", "hr/leave.md",
    )  # fmt: skip
    with store.open(document.sha256) as file:
        assert file.read() == b"# Leave\n\n25 days"
    assert everything(engine)["hr/leave.md"] == document


def test_it_takes_the_same_file_once_however_often_it_comes(put: Put, engine: Engine) -> None:
    first = put("a.md", b"# A")
    assert put("a.md", b"# A") == first
    assert put("a.md", b"# Changed").documents[0].id == first.documents[0].id
    assert put("b.md", b"# A").documents[0].id != first.documents[0].id
    assert len(everything(engine)) == 2


def test_it_changes_readers_of_a_file_that_is_here(put: Put) -> None:
    put("a.md", b"# A")
    assert put("a.md", b"# A", readers=("group:hr",)).documents[0].readers == {"group:hr"}


def test_it_refuses_with_a_reason_and_queues_nothing(put: Put, engine: Engine, store: FileStore) -> None:
    accepted = put("a.exe", b"MZ\x90\x00\x03")
    assert accepted.documents == ()
    (refusal,) = accepted.refused
    assert (refusal.path, refusal.code) == ("a.exe", "unsupported")
    row = everything(engine)["a.exe"]
    assert (row.status, row.stage, row.reason, row.sha256) == ("failed", "refused", refusal.reason, "")


def test_it_lists_what_it_refused_until_a_good_file_of_that_name_comes(put: Put, engine: Engine) -> None:
    put("a.md", b"# A")
    put("a.md", b"")
    assert [one.stage for one in documents.page(engine, ADMIN)[0]] == ["refused", "waiting"]
    put("a.md", b"# A")  # unchanged, so that nothing is queued
    assert [one.stage for one in documents.page(engine, ADMIN)[0]] == ["waiting"]


def test_it_refuses_what_is_too_large_and_keeps_nothing_of_it(put: Put, engine: Engine, store: FileStore) -> None:
    small = IngestSettings(limits=Limits(upload_bytes=10), reserve_bytes=0)
    assert put("a.txt", b"x" * 11, settings=small).refused[0].code == "too_large"
    assert "upload a smaller one" in (documents.page(engine, ADMIN)[0][0].reason or "")
    assert all_files(store.root) == set()


def test_it_makes_a_document_of_every_file_in_an_archive(put: Put, engine: Engine) -> None:
    inner = builders.archive({"deep.md": "# Deep", "x.exe": b"MZ\x90\x00"})
    data = builders.archive({
        "hr/leave.md": "# Leave", "__MACOSX/._leave.md": "x", "hr/.DS_Store": "x", "fake.pdf": "no pdf",
        "inner.zip": inner, "broken.docx": b"PK\x03\x04 broken", "empty.txt": "",
    })  # fmt: skip
    accepted = put("all.zip", data)
    assert [document.path for document in accepted.documents] == ["all.zip/hr/leave.md", "all.zip/inner.zip/deep.md"]
    assert {(refusal.path, refusal.code) for refusal in accepted.refused} == {
        ("all.zip/fake.pdf", "mismatch"),
        ("all.zip/inner.zip/x.exe", "unsupported"),
        ("all.zip/broken.docx", "damaged"),
        ("all.zip/empty.txt", "empty"),
    }
    refused = {one.path: one.reason for one in documents.page(engine, ADMIN, status="failed")[0]}
    assert refused == {refusal.path: refusal.reason for refusal in accepted.refused}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (builders.archive({"a.md": "# A", "../b.md": "# B"}), "unsafe"),
        (builders.archive({"a.md": "# A", "bomb.txt": bytes(5_000_000)}), "bomb"),
        (nested(3), "bomb"),
        (builders.archive({"a.md": "# A", "1.zip": builders.archive({"bomb": bytes(5_000_000)})}), "bomb"),
        (builders.archive({str(n): "x" for n in range(5_001)}), "bomb"),
    ],
)  # fmt: skip
def test_it_takes_nothing_of_an_archive_that_is_hostile(put: Put, engine: Engine, data: bytes, code: str) -> None:
    accepted = put("a.zip", data)
    assert [refusal.code for refusal in accepted.refused] == [code]
    assert accepted.documents == () and [one.stage for one in everything(engine).values()] == ["refused"]


def test_it_follows_no_archive_into_itself(put: Put) -> None:
    assert put("a.zip", nested(20)).refused[0].code == "bomb"
    assert len(put("b.zip", nested(1)).documents) == 1


def test_it_says_when_the_collection_is_gone(engine: Engine, store: FileStore) -> None:
    with pytest.raises(InvalidValue):
        accept_upload(engine, store, QUICK, Upload("0" * 32, "a.md", (), "me"), [b"# A"])


class Web:
    """A download that answers from memory."""

    def __init__(self, body: bytes, media_type: str, final: str = "") -> None:
        self.body, self.media_type, self.final = body, media_type, final

    def __call__(
        self, url: str, write: Callable[[bytes], object], max_bytes: int, timeout_s: float, policy: egress.Policy
    ) -> egress.Received:
        write(self.body)
        return egress.Received(self.final or url, self.media_type, len(self.body))


@pytest.mark.parametrize(
    ("url", "web", "media_type"),
    [
        ("https://corp.example/leave", Web(b"<html><p>x</p></html>", "text/html"), "text/html"),
        ("https://corp.example/", Web(b"<p>fragment</p>", "text/html"), "text/html"),
        ("https://corp.example/a.php?x=1", Web(b"<p>fragment</p>", "text/html"), "text/html"),
        ("https://corp.example/get", Web(builders.pdf([("x y z", 12, 700)]), "application/pdf"), "application/pdf"),
        ("https://corp.example/get", Web(b"# A", "text/plain", "https://corp.example/README.md"), "text/markdown"),
        ("https://corp.example/x", Web(b"a,b\n1,2", "text/csv"), "text/csv"),
    ],
)
def test_it_queues_what_a_url_leads_to(
    engine: Engine, store: FileStore, handbook: Collection, url: str, web: Web, media_type: str
) -> None:
    accepted = accept_url(engine, store, QUICK, Upload(handbook.id, url, (), "me"), web)
    assert [(document.path, document.media_type) for document in accepted.documents] == [(url, media_type)]


def test_it_refuses_a_page_where_a_pdf_was_promised(engine: Engine, store: FileStore, handbook: Collection) -> None:
    upload = Upload(handbook.id, "https://corp.example/a.pdf", (), "me")
    accepted = accept_url(engine, store, QUICK, upload, Web(b"<html>please sign in</html>", "text/html"))
    assert accepted.refused[0].code == "mismatch" and list(everything(engine)) == [upload.path]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://169.254.169.254/", "file:///etc/passwd", "x", "http://[::1]/"]
)
def test_it_goes_out_through_the_guard(engine: Engine, store: FileStore, handbook: Collection, url: str) -> None:
    accepted = accept_url(engine, store, QUICK, Upload(handbook.id, url, (), "me"))
    assert accepted.refused[0].code == "unreachable" and everything(engine)[url].reason == accepted.refused[0].reason
    assert os.listdir(store.root) == []
