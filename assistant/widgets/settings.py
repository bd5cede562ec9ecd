"""Settings of widgets that belong to the installation, not to one widget."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr


class WidgetSettings(BaseModel):
    """How widgets reach people outside: webhooks and mail."""

    model_config = {"extra": "forbid", "frozen": True}

    public_url: str = Field(default="", description="Address of the API as browsers outside see it, for snippets")
    webhook_allow: tuple[str, ...] = Field(
        default=(), description="Private hosts and networks that webhooks of widgets may name"
    )
    webhook_timeout_s: float = Field(default=10.0, gt=0, le=60, description="Longest time for one webhook call")
    mail_host: str = Field(default="", description="SMTP server for hand-overs by e-mail; unset: none are sent")
    mail_port: int = Field(default=587, ge=1, le=65_535, description="Port of the SMTP server")
    mail_security: Literal["starttls", "tls", "none"] = Field(default="starttls", description="How mail is encrypted")
    mail_user: str = Field(default="", description="Name at the SMTP server; unset: no sign-in")
    mail_password: SecretStr | None = Field(default=None, description="Password at the SMTP server")
    mail_from: str = Field(default="", description="Sender of hand-overs, e.g. chat@example.com")
