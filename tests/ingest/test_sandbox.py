"""The reading process: confined, watched, killed when it must be, and believed in nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ingest.errors import DocumentRefused, ReaderCrashed
from ingest.sandbox import Reading, ReadingCancelled, Sandbox, Watcher
from ingest.settings import MIB, IngestSettings, Limits
from tests.ingest import builders

SLOW = b"[" * 700_000  # brackets that never close: links are looked for at each of them


def watcher(
    progress: Callable[[str, float], None] = lambda stage, share: None,
    cancelled: Callable[[], bool] = lambda: False,
    attachment: Callable[[str, Iterator[bytes]], None] = lambda name, pieces: None,
) -> Watcher:
    return Watcher(progress, cancelled, attachment)


def read(sandbox: Sandbox, tmp_path: Path, data: bytes, media_type: str, who: Watcher | None = None) -> Reading:
    path = tmp_path / "file"
    path.write_bytes(data)
    return sandbox.read(path, "folder/name.md", media_type, who or watcher())


@pytest.fixture
def tight() -> Iterator[Callable[..., Sandbox]]:
    made: list[Sandbox] = []

    def with_limits(**limits: float) -> Sandbox:
        made.append(Sandbox(IngestSettings(limits=Limits.model_validate(limits))))
        return made[-1]

    yield with_limits
    for sandbox in made:
        sandbox.close()


def test_it_reads_a_document_and_tells_its_stages(sandbox: Sandbox, tmp_path: Path) -> None:
    stages: list[str] = []
    found = read(
        sandbox, tmp_path, b"# Leave\n\n25 days", "text/markdown", watcher(lambda stage, share: stages.append(stage))
    )
    assert found.title == "Leave"
    assert [one.chunk.text for one in found.chunks] == ["25 days"]
    assert stages == ["loading", "cleaning", "chunking"]


def test_it_takes_the_file_name_for_a_title_when_there_is_no_better(sandbox: Sandbox, tmp_path: Path) -> None:
    assert read(sandbox, tmp_path, b"just text", "text/plain").title == "name.md"


def test_it_hands_on_reasons(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(DocumentRefused, match="No text was found") as caught:
        read(sandbox, tmp_path, b" ", "text/plain")
    assert caught.value.code == "empty"


def test_it_hands_on_attachments_piece_by_piece(sandbox: Sandbox, tmp_path: Path) -> None:
    body = os.urandom(2_500_000)
    mail = b"From: a@b\nSubject: s\nContent-Type: multipart/mixed; boundary=X\n\n--X\nContent-Disposition: attachment; "
    mail += b'filename="a.bin"\nContent-Transfer-Encoding: binary\n\n' + body.replace(b"\r", b"r").replace(b"\n", b"n")
    got: dict[str, list[int]] = {}
    who = watcher(attachment=lambda name, pieces: got.update({name: [len(piece) for piece in pieces]}))
    read(sandbox, tmp_path, mail + b"\n--X--\n", "message/rfc822", who)
    assert sum(got["a.bin"]) == len(body) and max(got["a.bin"]) <= MIB


def test_it_ends_a_document_that_takes_too_much_processor_time(tight: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = tight(cpu_s=1)
    with pytest.raises(DocumentRefused, match="1 s of processor time") as caught:
        read(sandbox, tmp_path, SLOW, "text/markdown")
    assert caught.value.code == "limits"
    assert read(sandbox, tmp_path, b"# Next", "text/markdown").title == "Next"


def test_it_ends_a_document_that_takes_too_much_memory(tight: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = tight(memory_bytes=256 * MIB)
    rows = b"".join(b"%d,%d\n" % (n, n) for n in range(900_000))
    with pytest.raises(DocumentRefused, match="256 MiB of memory") as caught:
        read(sandbox, tmp_path, rows, "text/csv")
    assert caught.value.code == "limits"
    assert read(sandbox, tmp_path, b"# Next", "text/markdown").title == "Next"


def test_it_ends_a_document_that_takes_too_long(tight: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = tight(wall_s=0.5)
    read(tight(), tmp_path, b"# Warm", "text/markdown")
    with pytest.raises(ReaderCrashed, match="did not come to an end"):
        read(sandbox, tmp_path, SLOW, "text/markdown")


def test_it_ends_a_document_that_nobody_wants_any_more(sandbox: Sandbox, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(ReadingCancelled):
        read(sandbox, tmp_path, SLOW, "text/markdown", watcher(cancelled=lambda: time.monotonic() > started + 0.3))
    assert read(sandbox, tmp_path, b"# Next", "text/markdown").title == "Next"


def copies() -> list[psutil.Process]:
    """Return the copies of reading processes of ours that have a document in hand."""
    return [
        grandchild
        for child in psutil.Process().children()
        if "ingest.reader" in child.cmdline()
        for grandchild in child.children()
    ]


def when_reading(act: Callable[[psutil.Process], None]) -> threading.Thread:
    def wait_and_act() -> None:
        until = time.monotonic() + 20
        while not (found := copies()):
            assert time.monotonic() < until
            time.sleep(0.01)
        act(found[0])

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_it_survives_a_crash_of_the_copy(sandbox: Sandbox, tmp_path: Path, number: int) -> None:
    thread = when_reading(lambda copy: copy.send_signal(number))
    with pytest.raises(ReaderCrashed, match=f"exit code {-number}"):
        read(sandbox, tmp_path, SLOW, "text/markdown")
    thread.join()
    assert read(sandbox, tmp_path, b"# Next", "text/markdown").title == "Next"


def test_it_survives_the_death_of_the_reading_process(sandbox: Sandbox, tmp_path: Path) -> None:
    copy: list[psutil.Process] = []

    def kill_parent(found: psutil.Process) -> None:
        copy.append(found)
        found.parent().kill()

    thread = when_reading(kill_parent)
    with pytest.raises(ReaderCrashed):
        read(sandbox, tmp_path, SLOW, "text/markdown")
    thread.join()
    assert not psutil.wait_procs(copy, timeout=5)[1], "its copy outlived it"
    assert read(sandbox, tmp_path, b"# Next", "text/markdown").title == "Next"


def test_it_leaves_no_process_behind(tight: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = tight()
    read(sandbox, tmp_path, b"# A", "text/markdown")
    children = [child for child in psutil.Process().children() if "ingest.reader" in child.cmdline()]
    sandbox.close()
    mine = set(psutil.Process().children())
    assert len(mine & set(children)) < len(children)


def test_it_says_when_the_file_is_gone(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sandbox.read(tmp_path / "none", "a.md", "text/markdown", watcher())


def test_it_knows_nothing_of_our_environment(tight: Callable[..., Sandbox], tmp_path: Path) -> None:
    os.environ["INHOUSE_TEST_SECRET"] = "hunter2"
    try:
        read(tight(), tmp_path, b"# A", "text/markdown")
        readers = [child for child in psutil.Process().children() if "ingest.reader" in child.cmdline()]
        assert readers and all("INHOUSE_TEST_SECRET" not in reader.environ() for reader in readers)
    finally:
        del os.environ["INHOUSE_TEST_SECRET"]


def test_it_reads_a_document_that_is_only_a_title(sandbox: Sandbox, tmp_path: Path) -> None:
    found = read(sandbox, tmp_path, b"# Leave", "text/markdown")
    assert (found.title, [one.chunk.text for one in found.chunks]) == ("Leave", ["Leave"])


def test_it_survives_every_kind_of_file_in_one_process(sandbox: Sandbox, tmp_path: Path) -> None:
    kinds = {
        "application/pdf": builders.pdf([("Some words here", 12, 700)]),
        "text/html": b"<p>Some words here</p>",
        "text/csv": b"Some,words\nhere,x",
        "message/rfc822": b"From: a@b\n\nSome words here",
        "application/rtf": b"{\\rtf1 Some words here}",
    }
    for media_type, data in kinds.items():
        text = " ".join(one.chunk.text for one in read(sandbox, tmp_path, data, media_type).chunks)
        assert "words" in text and "Some" in text
