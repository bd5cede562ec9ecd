"""The skills that come with the product. They enter the registry through the same door as everybody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from skills.auth import Bearer, Signer
from skills.builtin.calculator import calculate
from skills.builtin.dates import date_skills, system_now
from skills.builtin.documents import Read, Search, document_skills
from skills.builtin.language import Complete, language_skills
from skills.builtin.pictures import KeepPicture, PictureLimits, picture_skills
from skills.builtin.products import Catalogue, product_skills
from skills.builtin.quotes import quote_skills
from skills.builtin.tables import FindTable, table_source
from skills.builtin.tickets import ticket_skills
from skills.builtin.units import convert_units
from skills.builtin.web import web_skills
from skills.calling import Functions
from skills.sources import Parts
from skills.types import Source


@dataclass(frozen=True, slots=True)
class Host:
    """What the host hands to the built-in skills; without one of them, the skills that need it are not offered."""

    search: Search | None = None
    read: Read | None = None
    complete: Complete | None = None
    find_table: FindTable | None = None
    keep_picture: KeepPicture | None = None
    now: Callable[[], datetime] = system_now


def sources(host: Host, parts: Parts) -> list[Source]:
    """Return the built-in sources that the host and the settings allow.

    Raises BadSkill when the catalogue named in the settings cannot be read.
    """
    settings, http = parts.settings, parts.http
    found: list[Source] = [
        Functions("builtin:calculator", [calculate]),
        Functions("builtin:dates", date_skills(host.now)),
        Functions("builtin:units", [convert_units]),
        Functions(
            "builtin:web", web_skills(http, max_bytes=settings.max_output_bytes, timeout_s=settings.timeout_s / 2)
        ),
    ]
    if host.search and host.read and host.complete:
        found.append(Functions("builtin:documents", document_skills(host.search, host.read, host.complete)))
    if host.complete:
        found.append(Functions("builtin:language", language_skills(host.complete)))
    if host.find_table:
        found.append(table_source(host.find_table, settings))
    if settings.quotes_url:
        found.append(Functions("builtin:quotes", quote_skills(settings.quotes_url, http, _signer("quotes", parts))))
    if settings.tickets_url:
        found.append(Functions("builtin:tickets", ticket_skills(settings.tickets_url, http, _signer("tickets", parts))))
    if settings.images_url and host.keep_picture:
        limits = PictureLimits(settings.images_max_bytes, settings.images_timeout_s, settings.images_per_hour)
        signer = _signer("images", parts)
        drawing = picture_skills(settings.images_url, settings.images_model, http, signer, host.keep_picture, limits)
        found.append(Functions("builtin:pictures", drawing))
    if settings.catalogue:
        found.append(Functions("builtin:products", product_skills(Catalogue(settings.catalogue))))
    return found


def _signer(service: str, parts: Parts) -> Signer:
    """Sign with the secret of the service's name, when there is one."""
    known = service in parts.secrets.names()
    return Signer(Bearer(kind="bearer", secret=service) if known else None, parts.secrets, parts.http)
