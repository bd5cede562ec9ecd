"""Archives: counted while they unpack, links and doubles refused, nothing believed."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from ingest.errors import DocumentRefused
from ingest.inflate import Meter, check_office, check_xml, is_clutter, members, opened, pieces
from ingest.settings import Limits
from tests.ingest.builders import archive, word

SMALL = Limits(inflated_bytes=3_000_000, archive_entries=50)


def unpack(data: bytes, limits: Limits = SMALL) -> dict[str, bytes]:
    meter = Meter(limits, len(data))
    with opened(io.BytesIO(data), meter, limits) as file:
        return {member.name: b"".join(pieces(file, member, meter)) for member in members(file)}


def refusal(data: bytes, limits: Limits = SMALL) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        unpack(data, limits)
    return caught.value


def with_info(name: str, mode: int = 0, flags: int = 0) -> bytes:
    buffer = io.BytesIO()
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(info, "content")
    data = bytearray(buffer.getvalue())
    if flags:
        data[data.rindex(b"PK\x01\x02") + 8] |= flags
    return bytes(data)


def test_it_unpacks_what_is_harmless() -> None:
    assert unpack(archive({"a.txt": "one", "folder/b.txt": "two"})) == {"a.txt": b"one", "folder/b.txt": b"two"}


def test_it_counts_bytes_while_they_come_out() -> None:
    bomb = archive({"a": bytes(50_000_000)})
    assert refusal(bomb, Limits(inflated_bytes=1_000_000, inflation_ratio=10_000)).code == "bomb"
    assert "100 times" in refusal(bomb, Limits()).reason


def test_it_counts_all_members_together() -> None:
    bomb = archive({f"{n}.txt": bytes(range(256)) * 1000 for n in range(20)}, zipfile.ZIP_STORED)
    assert refusal(bomb).code == "bomb"


def test_it_takes_small_files_however_well_they_are_packed() -> None:
    assert len(unpack(archive({"a": bytes(900_000)}))["a"]) == 900_000


def test_it_does_not_believe_a_directory_that_lies() -> None:
    data = bytearray(archive({"a.txt": bytes(40_000_000)}))
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 1000)  # the size that it states unpacked
    assert refusal(bytes(data), Limits()).code in ("damaged", "bomb")


def test_it_does_not_read_a_directory_that_is_too_large() -> None:
    assert refusal(archive({str(n): "" for n in range(51)})).code == "bomb"
    data = bytearray(archive({str(n): "" for n in range(2_000)}))
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)  # states one entry, holds thousands
    assert refusal(bytes(data)).code == "bomb"


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "/etc/passwd", "..\\a", "C:\\a", "C:/a", "a/..", "//host/share", "\\\\host\\share", ".."],
)
def test_it_takes_no_name_that_leads_outside(name: str) -> None:
    assert refusal(archive({name: "x"})).code == "unsafe"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_it_takes_no_links_and_devices(kind: int) -> None:
    assert refusal(with_info("a", kind | 0o777)).code == "unsafe"


def test_it_takes_no_link_that_a_later_member_goes_through() -> None:
    buffer = io.BytesIO()
    link = zipfile.ZipInfo("a")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(link, "/etc")
        file.writestr("a/passwd", "x")
    assert refusal(buffer.getvalue()).code == "unsafe"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_it_takes_no_name_twice() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.txt", "one")
        file.writestr("a.txt", "two")
    assert "twice" in refusal(buffer.getvalue()).reason


def test_it_says_when_a_password_is_in_the_way() -> None:
    assert refusal(with_info("a.txt", flags=1)).code == "encrypted"


@pytest.mark.parametrize("keep", [10, 60, -30])
def test_it_calls_a_cut_off_archive_damaged(keep: int) -> None:
    assert refusal(archive({"a.txt": "some content that is long enough"})[:keep]).code == "damaged"


def test_it_calls_changed_content_damaged() -> None:
    data = bytearray(archive({"a.txt": "some content"}, zipfile.ZIP_STORED))
    data[data.index(b"some content")] ^= 1
    assert refusal(bytes(data)).code == "damaged"


def test_it_writes_nothing_while_it_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    unpack(archive({"a/b.txt": "x"}))
    refusal(archive({"../a": "x"}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32"])
@pytest.mark.parametrize(
    "start", ["<!DOCTYPE a [<!ENTITY b 'c'>]>", "<?xml version='1.0'?>\n<!doctype a SYSTEM 'file:///x'>"]
)
def test_it_takes_no_xml_that_declares_a_document_type(start: str, encoding: str) -> None:
    with pytest.raises(DocumentRefused, match="entities"):
        check_xml((start + "<a/>").encode(encoding))


@pytest.mark.parametrize("part", ["word/document.xml", "word/_rels/document.xml.rels", "docProps/core.xml", "x.xml"])
def test_it_looks_into_every_part_of_an_office_file(part: str) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word("hello"))) as good, zipfile.ZipFile(buffer, "w") as bad:
        for info in good.infolist():
            bad.writestr(info.filename, bomb if info.filename == part else good.read(info))
        if part == "x.xml":
            bad.writestr(part, bomb)
    with pytest.raises(DocumentRefused) as caught:
        check_office(buffer, Limits())
    assert caught.value.code == "unsafe"


def test_it_leaves_an_office_file_at_its_start() -> None:
    file = io.BytesIO(word("hello"))
    check_office(file, Limits())
    assert file.tell() == 0


def test_it_knows_the_clutter_of_systems() -> None:
    assert all(map(is_clutter, ["__MACOSX/._a.md", "a/.DS_Store", "Thumbs.db", "a/._b.md"]))
    assert not any(map(is_clutter, ["a.md", "a/b.md", ".env.md"]))
