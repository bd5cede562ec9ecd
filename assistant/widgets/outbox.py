"""What leaves the house for a widget: signed webhooks, and mail. Only to addresses that an administrator entered."""

from __future__ import annotations

import json
import smtplib
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from email.errors import MessageError
from email.message import EmailMessage

from sqlalchemy import Engine

from assistant.secret_file import Secrets
from assistant.threads import in_thread
from assistant.widgets import keys
from assistant.widgets.settings import WidgetSettings
from assistant.widgets.signature import signed
from egress import EgressError, Policy
from egress.request import request

_REPLY_BYTES = 100_000
_MAIL_TIMEOUT_S = 20.0


class Outbox:
    """Sends; every failure is a sentence for the administrator, not an exception."""

    def __init__(self, engine: Engine, secrets: Secrets, settings: WidgetSettings) -> None:
        """Keep what sending needs."""
        self._engine = engine
        self._secrets = secrets
        self._settings = settings
        self._policy = Policy.of(settings.webhook_allow)

    async def post(self, widget_id: str, url: str, payload: Mapping[str, object]) -> str:
        """Send `payload` as JSON, signed with the widget's newest key; returns "" or what went wrong."""
        found = await in_thread(keys.of, self._engine, widget_id)
        if not found:
            return "The widget has no signing key; create one."
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = signed(keys.secret_of(self._secrets, found[0].id), body, time.time())
        headers["Content-Type"] = "application/json"
        try:
            answer = await request(
                "POST", url, headers, body,
                max_bytes=_REPLY_BYTES, timeout_s=self._settings.webhook_timeout_s, policy=self._policy,
            )  # fmt: skip
        except EgressError as error:
            return str(error)[:300]
        return "" if 200 <= answer.status < 300 else f"The webhook answered with status {answer.status}."

    async def mail(self, to: str, subject: str, text: str, reply_to: str) -> str:
        """Send a plain mail; returns "" or what went wrong."""
        if not self._settings.mail_host or not self._settings.mail_from:
            return "No mail server is set; set ASSISTANT_WIDGETS__MAIL_HOST and ASSISTANT_WIDGETS__MAIL_FROM."
        message = EmailMessage()
        try:
            message["From"], message["To"] = self._settings.mail_from, to
            message["Subject"] = " ".join(subject.split())[:150]
            if reply_to:
                # What is no address after all is in the letter, too; the header's parser fails in its own ways.
                with suppress(ValueError, IndexError, AttributeError, TypeError):
                    message["Reply-To"] = reply_to
            message.set_content(text)
            await in_thread(self._deliver, message)
        except smtplib.SMTPAuthenticationError:
            return f"The mail server {self._settings.mail_host} refused the name or the password."
        except (OSError, smtplib.SMTPException, MessageError, ValueError) as error:
            return f"The mail server {self._settings.mail_host} refused ({type(error).__name__})."
        return ""

    def _deliver(self, message: EmailMessage) -> None:
        chosen = self._settings
        context = ssl.create_default_context()
        if chosen.mail_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                chosen.mail_host, chosen.mail_port, timeout=_MAIL_TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(chosen.mail_host, chosen.mail_port, timeout=_MAIL_TIMEOUT_S)
        with server:
            if chosen.mail_security == "starttls":
                server.starttls(context=context)
            if chosen.mail_user and chosen.mail_password:
                server.login(chosen.mail_user, chosen.mail_password.get_secret_value())
            server.send_message(message)
