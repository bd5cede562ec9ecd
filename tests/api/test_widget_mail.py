"""Requests for a person by e-mail, against a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
import email
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import Engine

from assistant.settings import load

from .conftest import World, make_world
from .widget_world import Page, make_widget

HOST = "127.0.0.1"
SECRET = "a mail password"
MakeWorld = Callable[..., World]


class Postbox:
    """Keeps the letters that arrive, with whether they came encrypted and from whom."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.encrypted: list[bool] = []
        self.senders: list[str] = []
        self.refuses = False

    async def handle_RCPT(self, _server: SMTP, _session: Session, to: Envelope, address: str, _options: Any) -> str:
        if self.refuses:
            return "550 No such mailbox"
        to.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, letter: Envelope) -> str:
        assert isinstance(letter.content, bytes)
        self.letters.append(email.message_from_bytes(letter.content, policy=default))
        self.encrypted.append(session.ssl is not None)
        self.senders.append(str(session.auth_data or ""))
        return "250 Kept"


def signed_in(_server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    good = isinstance(given, LoginPassword) and given.password == SECRET.encode()
    # `handled` would mean that it was answered already, and leave whoever signs in waiting.
    return AuthResult(success=good, handled=False, auth_data=given.login.decode() if good else None)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate of this server's own for 127.0.0.1, and the file that makes a client trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


class AnyPort(Controller):
    """A server on a port that is free."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it was started just now
        super()._trigger_server()


def running(postbox: Postbox, **options: Any) -> Iterator[int]:
    controller = AnyPort(postbox, hostname=HOST, port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def open_server(postbox: Postbox) -> Iterator[int]:
    yield from running(postbox)


@pytest.fixture
def careful_server(postbox: Postbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server that takes letters encrypted and signed in only; its certificate is trusted here."""
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    more = {"tls_context": context, "require_starttls": True, "authenticator": signed_in, "auth_required": True}
    yield from running(postbox, **more)


@pytest.fixture
def with_mail(engine: Engine, tmp_path: Path) -> MakeWorld:
    """Make an application whose settings name the mail server at a port."""

    def made(port: int, **more: Any) -> World:
        given = {"mail_host": HOST, "mail_port": port, "mail_from": "chat@example.com", **more}
        return make_world(engine, tmp_path, load(data_dir=tmp_path, widgets=given))

    return made


async def handed_over(world: World, contact: str = "zoe@example.org") -> Any:
    """What the administrator reads after a visitor has asked something, and then for a person."""
    widget, secret = make_widget(world, hand_over={"mail": "help@example.com"})
    async with world.client() as client, world.client(world.admin) as admin:
        page = Page(client, widget, secret)
        await page.begin()
        await page.ask("Where is my Größe?")
        sent = await page.send("POST", "hand-over", {"contact": contact, "note": "Please call.\n.\nThank you."})
        assert sent.status_code == 202, sent.text
        deadline = time.monotonic() + 60  # a mail server takes its time over wrong passwords
        while True:
            found = (await admin.get(f"/api/widgets/{widget.id}/hand-overs")).json()["hand_overs"][0]
            if found["status"] != "waiting" or time.monotonic() > deadline:
                return found | {"widget": widget.id}
            await asyncio.sleep(0.02)


async def test_the_letter_holds_the_transcript_and_can_be_answered(
    with_mail: MakeWorld, postbox: Postbox, open_server: int
) -> None:
    request = await handed_over(with_mail(open_server, mail_security="none"))
    assert request["status"] == "sent" and request["detail"] == ""
    letter = postbox.letters[0]
    assert letter["From"] == "chat@example.com" and letter["To"] == "help@example.com"
    assert letter["Reply-To"] == "zoe@example.org" and "asks for a person" in letter["Subject"]
    text = letter.get_content()  # type: ignore[attr-defined]  # of the default policy
    for said in ("Where is my Größe?", "word0 word1", "Please call.\n.\nThank you.", "zoe@example.org"):
        assert said in text.replace("\r\n", "\n"), text


@pytest.mark.parametrize("contact", ["me@", "+49 170 1@", "a@["])
async def test_a_contact_that_is_no_address_stands_in_the_letter_alone(
    with_mail: MakeWorld, postbox: Postbox, open_server: int, contact: str
) -> None:
    request = await handed_over(with_mail(open_server, mail_security="none"), contact)
    assert request["status"] == "sent"
    assert contact in postbox.letters[0].get_content()  # type: ignore[attr-defined]  # of the default policy


async def test_a_contact_cannot_add_a_header(with_mail: MakeWorld, postbox: Postbox, open_server: int) -> None:
    request = await handed_over(with_mail(open_server, mail_security="none"), "z@x.org\r\nBcc: all@example.com")
    assert all(letter["Bcc"] is None for letter in postbox.letters)
    assert request["status"] == "failed" or "Bcc" not in str(postbox.letters[0].keys())


async def test_it_encrypts_and_signs_in(with_mail: MakeWorld, postbox: Postbox, careful_server: int) -> None:
    request = await handed_over(with_mail(careful_server, mail_user="chat", mail_password=SECRET))
    assert request["status"] == "sent", request
    assert postbox.encrypted == [True] and postbox.senders == ["chat"]


async def test_a_wrong_password_is_told_and_kept_out_of_it(
    with_mail: MakeWorld, postbox: Postbox, careful_server: int
) -> None:
    request = await handed_over(with_mail(careful_server, mail_user="chat", mail_password="not that one"))
    assert request["status"] == "failed" and "name or the password" in request["detail"]
    assert "not that one" not in str(request)
    assert postbox.letters == []


async def test_nothing_leaves_in_the_clear_where_it_should_be_encrypted(
    with_mail: MakeWorld, postbox: Postbox, open_server: int
) -> None:
    request = await handed_over(with_mail(open_server))
    assert request["status"] == "failed" and postbox.letters == []


async def test_a_certificate_of_a_stranger_is_not_believed(
    with_mail: MakeWorld, postbox: Postbox, careful_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    request = await handed_over(with_mail(careful_server, mail_user="chat", mail_password=SECRET))
    assert request["status"] == "failed" and postbox.letters == []


async def test_what_the_server_refused_is_sent_again_by_hand(
    with_mail: MakeWorld, postbox: Postbox, open_server: int
) -> None:
    postbox.refuses = True
    world = with_mail(open_server, mail_security="none")
    request = await handed_over(world)
    assert request["status"] == "failed" and postbox.letters == []
    postbox.refuses = False
    async with world.client(world.admin) as admin:
        again = await admin.post(f"/api/widgets/{request['widget']}/hand-overs/{request['id']}/send")
    assert again.json()["status"] == "sent" and len(postbox.letters) == 1
