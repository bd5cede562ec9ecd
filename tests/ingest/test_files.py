"""The file store: durable, flat in memory, nothing left behind, no name but ours."""

from __future__ import annotations

import hashlib
import os
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.errors import DocumentRefused, StorageFull
from ingest.files import FileStore, megabytes


def files_in(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_it_keeps_content_under_its_hash(store: FileStore) -> None:
    stored = store.put_stream([b"hello ", b"world"], 100)
    assert stored.sha256 == hashlib.sha256(b"hello world").hexdigest()
    assert stored.size == 11
    with store.open(stored.sha256) as file:
        assert file.read() == b"hello world"
    assert files_in(store.root) == [f"{stored.sha256[:2]}/{stored.sha256}"]


def test_it_keeps_one_file_of_equal_contents(store: FileStore) -> None:
    assert store.put_stream([b"same"], 100) == store.put_stream([b"sa", b"me"], 100)
    assert len(files_in(store.root)) == 1


def test_it_refuses_at_the_first_byte_too_many_and_leaves_nothing(store: FileStore) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1000

    with pytest.raises(DocumentRefused, match="more than 5000 bytes"):
        store.put_stream(endless(), 5000)
    assert taken == 6
    assert files_in(store.root) == []


def test_it_leaves_nothing_when_the_sender_goes_away(store: FileStore) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(StorageFull):
        store.put_stream(broken(), 5000)
    assert files_in(store.root) == []


def test_it_keeps_memory_flat(store: FileStore) -> None:
    tracemalloc.start()
    store.put_stream((bytes(256 * 1024) for _ in range(400)), 200_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def test_it_says_when_the_disk_is_full(tmp_path: Path) -> None:
    with pytest.raises(StorageFull, match="free some space"):
        FileStore(tmp_path, reserve_bytes=10**18).put_stream([b"x"], 10)


@pytest.mark.parametrize("name", ["", "../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "/x", "\0" * 64])
def test_it_opens_nothing_but_hashes(store: FileStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        store.open(name)


def test_it_sweeps_what_nobody_names_but_not_what_is_young(store: FileStore) -> None:
    kept, dropped, young = (store.put_stream([body], 10).sha256 for body in (b"kept", b"dropped", b"young"))
    half = store.root / "incoming-left"
    half.write_bytes(b"x")
    old = time.time() - 7200
    for path in (store.path(kept), store.path(dropped), half):
        os.utime(path, (old, old))
    assert store.sweep({kept}) == 2
    assert files_in(store.root) == sorted(f"{sha[:2]}/{sha}" for sha in (kept, young))


def test_it_sweeps_while_an_upload_ends(store: FileStore) -> None:
    half = store.root / "incoming-now"
    half.write_bytes(b"x")

    class Named(set[str]):
        def __contains__(self, name: object) -> bool:
            if name == half.name:
                half.rename(store.root / "done")  # as the upload does, between the look and the question for its age
            return super().__contains__(name)

    assert store.sweep(Named()) == 0 and (store.root / "done").exists()


def test_it_shows_sizes_to_people() -> None:
    assert [megabytes(size) for size in (5, 99_999, 1_500_000, 1_073_741_824)] == [
        "5 bytes", "99999 bytes", "1.5 MB", "1,073.7 MB",
    ]  # fmt: skip
