"""Mails: what is found, and what is left out."""

from __future__ import annotations

import pytest

from ingest.errors import DocumentRefused
from tests.ingest.builders import headings, read, text_of

MAIL = """From: =?utf-8?q?J=C3=BCrgen?= <j@corp.example>
To: all@corp.example
Subject: New leave policy
Date: Mon, 3 Nov 2025 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=X

--X
Content-Type: multipart/alternative; boundary=Y

--Y
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Everyone gets 25 days, sagt Jürgen.

--Y
Content-Type: text/html

<p>Everyone gets <b>25</b> days (html).</p>

--Y--
--X
Content-Type: text/csv; name="days.csv"
Content-Disposition: attachment; filename="days.csv"

a,b
1,2

--X
Content-Type: message/rfc822

From: b@corp.example
Subject: The old one

It was 20 days.

--X--
"""


def test_it_reads_mails() -> None:
    loaded = read(MAIL.encode(), "a.eml")
    text = text_of(loaded)
    assert loaded.title == "New leave policy"
    assert "From: Jürgen <j@corp.example>\nTo: all@corp.example\nDate: Mon, 03 Nov 2025" in text
    assert "25 days, sagt Jürgen." in text and "(html)" not in text
    assert (2, "The old one") in headings(loaded) and "It was 20 days." in text
    assert "Attachments: days.csv" in text
    assert [(a.name, a.body.strip()) for a in loaded.attachments] == [("days.csv", b"a,b\n1,2")]


def test_it_reads_mails_of_html_only() -> None:
    mail = b"From: a@b\nSubject: x\nContent-Type: text/html\n\n<p>Only <b>html</b> here</p>"
    assert "Only html here" in text_of(read(mail, "a.eml"))


def test_it_says_when_a_mail_is_encrypted() -> None:
    mail = b"From: a@b\nSubject: x\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIIB"
    with pytest.raises(DocumentRefused) as caught:
        read(mail, "a.eml")
    assert caught.value.code == "encrypted"


def test_it_refuses_mails_in_mails_without_end() -> None:
    mail = b"From: a@b\nSubject: end\n\nx"
    for _ in range(10):
        mail = b"From: a@b\nSubject: x\nContent-Type: message/rfc822\n\n" + mail
    with pytest.raises(DocumentRefused, match="nests"):
        read(mail, "a.eml")


@pytest.mark.parametrize(
    "mail",
    [
        b"From: a\nContent-Type: multipart/mixed\n\nno boundary",
        b"From: \xff\xfe\nSubject: =?x?q?=?=\n\nbody",
        b"From: a@b\nContent-Type: text/plain; charset=nonsense\n\nbody",
        b"From: a@b\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"From: a@b\nDate: yesterday\nTo: <<>>,\n\nbody",
    ],
)
def test_it_survives_broken_mails(mail: bytes) -> None:
    assert text_of(read(mail, "a.eml"))
