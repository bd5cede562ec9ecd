"""Uploads: streamed, bounded, durable before the answer, and named by us alone."""

from __future__ import annotations

import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from assistant.settings import Settings, load
from knowledge import collections

from .conftest import World, make_world, serving

NAMES = [
    "../../etc/passwd.md", "..\\..\\windows\\win.md", "/etc/cron.d/x.md", "C:\\x.md", "%2e%2e%2fx.md",
    "..%c0%afx.md", "a\x00b.md",
    "CON.md", "x.md::$DATA", "x" * 3_900 + ".md", "\u202egnp.md", "x\r\nSet-Cookie: a=b.md", 'x"; filename="y.md',
    "....//x.md",
    ".md", " .md", "-rf.md", "$(id).md", "`id`.md", "~/.ssh/authorized_keys.md", "\\\\host\\share\\x.md",
    "a/b/c/d.md", "💥.md",
]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A small upload limit."""
    return load(
        data_dir=tmp_path, api={"max_upload_bytes": 300_000, "max_upload_files": 20, "body_idle_timeout_s": 2.0}
    )


def _collection(world: World) -> str:
    return collections.create(world.app.engine, "HR", "", ["everyone"]).id


async def _upload(world: World, files: Any, data: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
    found = collections.list_readable(world.app.engine, _everything())
    target = found[0].id if found else _collection(world)
    async with world.client(world.admin) as client:
        return await client.post(f"/api/collections/{target}/documents", files=files, data=data, headers=headers)


def _everything() -> Any:
    from knowledge.types import Scope

    return Scope(frozenset(), sees_all=True)


async def _refused(world: World) -> list[tuple[str, str]]:
    async with world.client(world.admin) as client:
        rows = (await client.get("/api/documents?status=failed")).json()["documents"]
    return [(row["path"], row["reason"]) for row in rows if row["stage"] == "refused"]


def _stored(world: World) -> list[str]:
    return sorted(path.name for path in (world.app.files.root).rglob("*") if path.is_file())


async def test_it_takes_several_files_with_their_readers(world: World) -> None:
    files = [("files", ("leave.md", b"# Leave\n\n30 days.")), ("files", ("travel/train.txt", b"Second class."))]
    reply = await _upload(world, files, {"readers": ["group:hr", f"user:{world.ben.id}"]})
    assert reply.status_code == 202 and reply.json()["refused"] == []
    accepted = reply.json()["documents"]
    assert [(document["path"], document["status"]) for document in accepted] == [
        ("leave.md", "queued"),
        ("travel/train.txt", "queued"),
    ]
    async with world.client(world.admin) as client:
        row = (await client.get(f"/api/documents/{accepted[0]['document']}")).json()
    assert row["readers"] == ["group:hr", f"user:{world.ben.id}"] and row["uploaded_by"] == "Ann" and row["size"] == 17
    assert len(_stored(world)) == 2


async def test_it_refuses_a_file_and_takes_the_others(world: World) -> None:
    files = [
        ("files", ("a.md", b"text")),
        ("files", ("b.exe", b"MZ\x00\x01\x02")),
        ("files", ("c.pdf", b"not a pdf at all")),
    ]
    reply = (await _upload(world, files)).json()
    assert [document["path"] for document in reply["documents"]] == ["a.md"]
    assert {file["path"] for file in reply["refused"]} == {"b.exe", "c.pdf"}
    assert all(len(file["reason"]) > 10 and file["code"] for file in reply["refused"])


async def test_it_says_how_large_uploads_may_be(world: World) -> None:
    async with world.client(world.ben) as client:
        limits = (await client.get("/api/uploads")).json()
    sizes = {"max_file_bytes": 2**30, "max_request_bytes": 300_000, "max_attachment_bytes": 100_000_000}
    assert limits == {**sizes, "max_files": 20}


async def test_a_refused_file_has_a_row_that_is_deleted_and_nothing_else(world: World) -> None:
    await _upload(world, [("files", ("b.exe", b"MZ\x00\x01\x02"))])
    async with world.client(world.admin) as client:
        (row,) = (await client.get("/api/documents?status=failed")).json()["documents"]
        assert (row["path"], row["stage"], row["uploaded_by"]) == ("b.exe", "refused", "Ann") and row["reason"]
        assert (await client.get("/api/collections")).json()["collections"][0]["n_documents"] == 0
        here = f"/api/documents/{row['id']}"
        for refusal in (await client.get(f"{here}/file"), await client.post(f"{here}/retry")):
            assert refusal.status_code in (404, 409) and "nothing of it is kept" in refusal.json()["detail"]
        again = await client.post("/api/documents/bulk", json={"action": "retry", "ids": [row["id"]]})
        assert again.json() == {"done": [], "missing": [row["id"]]}
        assert (await client.delete(here)).status_code == 204 and (await client.get(here)).status_code == 404


async def test_a_file_in_which_the_body_ends_has_a_row_with_the_reason(world: World) -> None:
    target = _collection(world)
    half = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="hr/a.md"\r\n\r\nhalf a file'
    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    async with world.client(world.admin) as client:
        reply = await client.post(f"/api/collections/{target}/documents", content=half, headers=headers)
        assert reply.status_code == 422
        (row,) = (await client.get("/api/documents")).json()["documents"]
    assert (row["path"], row["reason"]) == ("hr/a.md", reply.json()["detail"])


async def test_no_name_leaves_the_store_or_breaks_the_request(world: World) -> None:
    target, home = _collection(world), world.app.settings.data_dir.parent
    before = {path for path in home.rglob("*") if path.is_file()}
    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    async with world.client(world.admin) as client:
        for name in NAMES:
            shown = name.replace('"', "%22").encode("utf-8", "surrogatepass")
            head = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="' + shown
            body = head + b'"\r\n\r\n# Hello\r\n--xx--\r\n'
            reply = await client.post(f"/api/collections/{target}/documents", content=body, headers=headers)
            assert reply.status_code in (202, 422), (name, reply.text)
            for document in reply.json().get("documents", []):
                _is_a_safe_download(await client.get(f"/api/documents/{document['document']}/file"))
    after = {path for path in home.rglob("*") if path.is_file()} - before
    root = world.app.files.root
    strays = {path for path in after if not path.is_relative_to(root) and not path.name.startswith("assistant.db")}
    assert strays == set() and all(len(path.name) == 64 for path in after if path.is_relative_to(root))


def _is_a_safe_download(sent: httpx.Response) -> None:
    assert sent.status_code == 200 and sent.content == b"# Hello"
    disposition = sent.headers["content-disposition"]
    assert disposition.startswith("attachment; ") and "\n" not in disposition
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in sent.headers["content-security-policy"]


BROKEN = [
    (b"", 422), (b"--xx--\r\n", 422), (b"garbage", 422), (b"--xx\r\n", 422),
    (b"--xx\r\nContent-Disposition: form-data\r\n\r\nx", 422),
    (b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\nhalf a file', 422),
    (b'--xx\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n--xx--\r\n', 422),
    (b'--xx\r\nContent-Disposition: form-data; name="readers"\r\n\r\n' + b"x" * 30_000 + b"\r\n--xx--\r\n", 422),
    (b'--xx\r\nContent-Disposition: form-data; name="readers"\r\n\r\n\xff\xfe\r\n--xx--\r\n', 422),
    (b"--xx\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\nx\r\n--xx--\r\n", 422),
    (b"--xx\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\nx\r\n--xx--\r\n", 422),
    (b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\na\r\n' * 21 + b"--xx--\r\n", 422),
    (b'--xx\r\nContent-Disposition: form-data; name="readers"\r\n\r\na\r\n' * 600 + b"--xx--\r\n", 422),
]  # fmt: skip


async def test_a_name_keeps_its_quotation_marks(world: World) -> None:
    async with world.client(world.admin) as client:
        files = [("files", ('The "best" plan.txt', b"Leave is 25 days."))]
        reply = await client.post(f"/api/collections/{_collection(world)}/documents", files=files)
    assert [row["path"] for row in reply.json()["documents"]] == ['The "best" plan.txt']


async def test_a_broken_body_ends_with_a_sentence_and_no_residue(world: World) -> None:
    target = _collection(world)
    async with world.client(world.admin) as client:
        for body, status in BROKEN:
            headers = {"Content-Type": "multipart/form-data; boundary=xx"}
            reply = await client.post(f"/api/collections/{target}/documents", content=body, headers=headers)
            assert reply.status_code == status and len(reply.json()["detail"]) > 10, (body[:60], reply.text)
    assert not [name for name in _stored(world) if len(name) != 64]


async def test_anything_but_multipart_is_not_an_upload(world: World) -> None:
    target = _collection(world)
    async with world.client(world.admin) as client:
        for kind in ("", "application/json", "multipart/form-data", "multipart/form-data; boundary=" + "x" * 300):
            headers = {"Content-Type": kind} if kind else {}
            reply = await client.post(f"/api/collections/{target}/documents", content=b"x", headers=headers)
            assert reply.status_code == 415, kind


async def test_readers_after_the_files_are_refused_before_anybody_could_read_too_much(world: World) -> None:
    body = (
        b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.md"\r\n\r\na\r\n'
        b'--xx\r\nContent-Disposition: form-data; name="readers"\r\n\r\ngroup:hr\r\n--xx--\r\n'
    )
    target = _collection(world)
    async with world.client(world.admin) as client:
        headers = {"Content-Type": "multipart/form-data; boundary=xx"}
        reply = await client.post(f"/api/collections/{target}/documents", content=body, headers=headers)
    assert reply.status_code == 422 and "readers" in reply.json()["detail"]


async def test_a_body_over_the_limit_is_refused_from_its_header_or_at_the_byte(world: World) -> None:
    big = [("readers", (None, "group:hr")), ("files", ("a.md", b"x" * 400_000))]
    announced = await _upload(world, big)
    assert announced.status_code == 413 and announced.json()["code"] == "too-large"
    assert await _refused(world) == [("a.md", announced.json()["detail"])]

    async def chunks() -> Any:
        yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="b.md"\r\n\r\n'
        for _ in range(100):
            yield b"x" * 10_000

    target = collections.list_readable(world.app.engine, _everything())[0].id
    async with world.client(world.admin) as client:
        headers = {"Content-Type": "multipart/form-data; boundary=xx"}
        unannounced = await client.post(f"/api/collections/{target}/documents", content=chunks(), headers=headers)
    assert unannounced.status_code == 413 and _stored(world) == []
    assert [path for path, _ in await _refused(world)] == ["b.md", "a.md"]


async def test_attachments_are_the_conversations_alone(world: World) -> None:
    async with world.client(world.ben) as client:
        mine = (await client.post("/api/conversations", json={})).json()["id"]
        assert (await client.get(f"/api/conversations/{mine}/attachments")).json() == {"documents": [], "total": 0}
        files = {"files": ("notes.md", b"# Notes")}
        sent = await client.post(f"/api/conversations/{mine}/attachments", files=files)
        assert sent.status_code == 202
        document = sent.json()["documents"][0]["document"]
        assert (await client.get(f"/api/conversations/{mine}/attachments")).json()["total"] == 1
        assert (await client.get("/api/documents")).json() == {"documents": [], "total": 0, "counts": {}}
        assert (await client.get("/api/collections")).json() == {"collections": []}
    for other in (world.eve, world.admin):
        async with world.client(other) as client:
            assert (await client.get(f"/api/documents/{document}")).status_code == 404
            assert (await client.get(f"/api/documents/{document}/file")).status_code == 404
            assert (await client.delete(f"/api/documents/{document}")).status_code == 404
            assert (await client.get(f"/api/conversations/{mine}/attachments")).status_code == 404
            assert (await client.post(f"/api/conversations/{mine}/attachments", files=files)).status_code == 404
    async with world.client(world.ben) as client:
        assert (await client.post(f"/api/documents/{document}/cancel")).json()["status"] == "cancelled"
        assert (await client.post(f"/api/documents/{document}/retry")).json()["status"] == "queued"
        assert (await client.delete(f"/api/conversations/{mine}")).status_code == 204
        assert (await client.get(f"/api/documents/{document}")).status_code == 404


async def test_a_conversation_takes_so_many_attachments_and_so_large_ones(world: World) -> None:
    api = world.app.settings.api.model_copy(update={"max_attachments": 2, "max_attachment_bytes": 2_000})
    world.app.settings = world.app.settings.model_copy(update={"api": api})
    async with world.client(world.ben) as client:
        target = f"/api/conversations/{(await client.post('/api/conversations', json={})).json()['id']}/attachments"
        assert (await client.post(target, files={"files": ("a.md", b"x" * 3_000)})).status_code == 413
        three = [("files", (f"{n}.md", b"x%d" % n)) for n in range(3)]
        too_many = await client.post(target, files=three)
        assert too_many.status_code == 422 and (await client.get(target)).json()["total"] == 2
        full = await client.post(target, files={"files": ("d.md", b"d")})
        assert full.status_code == 409 and full.json()["code"] == "too-many-attachments"


def _zip(names: list[str], **more: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in {**{name: name.encode() for name in names}, **more}.items():
            archive.writestr(name, content)
    return packed.getvalue()


async def test_the_files_of_an_archive_count_against_a_conversations_room(world: World) -> None:
    api = world.app.settings.api.model_copy(update={"max_attachments": 3})
    world.app.settings = world.app.settings.model_copy(update={"api": api})
    many, inner = _zip([f"{n}.md" for n in range(4)]), _zip(["a.md", "b.md", "c.md", "d.md"])
    async with world.client(world.ben) as client:
        target = f"/api/conversations/{(await client.post('/api/conversations', json={})).json()['id']}/attachments"
        sent = (await client.post(target, files={"files": ("many.zip", many)})).json()
        (refused,) = sent["refused"]
        assert not sent["documents"] and refused["code"] == "too_many"
        assert refused["reason"].startswith("The archive holds 4 files and 3 more fit here")
        nested = _zip(["e.md"], **{"inner.zip": inner})
        sent = (await client.post(target, files={"files": ("nested.zip", nested)})).json()
        assert [one["path"] for one in sent["documents"]] == ["nested.zip/e.md"]
        assert [one["path"] for one in sent["refused"]] == ["nested.zip/inner.zip"]
    async with world.client(world.admin) as client:  # company documents come in archives of any number
        shared = f"/api/collections/{_collection(world)}/documents"
        assert len((await client.post(shared, files={"files": ("many.zip", many)})).json()["documents"]) == 4


async def test_bulk_actions_do_what_they_may_and_list_the_rest(world: World) -> None:
    reply = await _upload(world, [("files", ("a.md", b"a")), ("files", ("b.md", b"b"))])
    ids = [document["document"] for document in reply.json()["documents"]]
    body = {"action": "cancel", "ids": [*ids, "0" * 32, ids[0]]}
    async with world.client(world.eve) as client:
        assert (await client.post("/api/documents/bulk", json=body)).json() == {"done": [], "missing": [*ids, "0" * 32]}
    async with world.client(world.admin) as client:
        assert (await client.post("/api/documents/bulk", json=body)).json() == {"done": ids, "missing": ["0" * 32]}
        listed = (await client.get("/api/documents?status=cancelled&collection=HR&q=A.M")).json()
        assert listed["total"] == 1 and listed["documents"][0]["path"] == "a.md"


async def test_odd_queries_are_refused(world: World) -> None:
    odd = ("limit=0", "limit=501", "offset=-1", "status=x", "limit=NaN", "offset=1e9", "q=%00", "q=" + "x" * 501)
    async with world.client(world.ben) as client:
        for query in odd:
            assert (await client.get(f"/api/documents?{query}")).status_code == 422, query


def _piece(path: Path, size: int) -> Path:
    """A multipart body on disk with one text file of `size` bytes."""
    block = (b"All employees get thirty days of leave every year. " * 21_000)[: 1 << 20]
    with path.open("wb") as file:
        file.write(b'--xx\r\nContent-Disposition: form-data; name="files"; filename="big.txt"\r\n\r\n')
        for _ in range(size // len(block)):
            file.write(block)
        file.write(b"\r\n--xx--\r\n")
    return path


@pytest.mark.parametrize("megabytes", [100, pytest.param(1_000, marks=pytest.mark.fault)])
def test_a_large_upload_costs_no_memory_and_stops_nobody(engine: Any, tmp_path: Path, megabytes: int) -> None:
    world = make_world(engine, tmp_path, load(data_dir=tmp_path))
    target = _collection(world)
    body = _piece(tmp_path / "body", megabytes << 20)
    process, peak, lags = psutil.Process(), [0], []
    stop = threading.Event()

    def watch(url: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while not stop.wait(0.05):
                peak[0] = max(peak[0], process.memory_info().rss)
                lags.append(client.get("/livez").elapsed.total_seconds())

    with serving(world.api, world.app.settings) as url:
        headers = world.as_(world.admin) | {"Content-Type": "multipart/form-data; boundary=xx"}
        httpx.get(f"{url}/livez")
        before = process.memory_info().rss
        watcher = threading.Thread(target=watch, args=(url,))
        watcher.start()
        with body.open("rb") as file:
            reply = httpx.post(f"{url}/api/collections/{target}/documents", content=file, headers=headers, timeout=120)
        stop.set()
        watcher.join()
    assert reply.status_code == 202 and reply.json()["documents"][0]["path"] == "big.txt"
    assert peak[0] - before <= 64 << 20, f"{(peak[0] - before) >> 20} MiB"
    assert sorted(lags)[len(lags) // 2] < 1.0
    assert os.stat(world.app.files.path(_stored(world)[0])).st_size == megabytes << 20
