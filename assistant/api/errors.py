"""From errors to HTTP: RFC 9457 problems, and OpenAI's error shape under /v1. Only this file knows the numbers.

`type` of a problem is stable and names what went wrong; `detail` is a sentence for people that says what to do. Values
from a request are never repeated in an answer or a log beyond what our own sentences quote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from assistant import errors as ours
from assistant.api.invalid import told
from assistant.curated import errors as curated
from assistant.evaluation import errors as evaluation
from assistant.gallery import errors as gallery
from assistant.logs import log
from assistant.memory import errors as memory
from assistant.promptbook import errors as promptbook
from assistant.ratings import errors as ratings
from assistant.widgets import errors as widgets
from ingest import errors as ingest
from knowledge import errors as knowledge
from skills import errors as skills

TYPE_PREFIX = "urn:inhouse:problem:"
_log = log("api")


class Refusal(HTTPException):
    """An answer other than success, with a stable code and a sentence for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        headers: Mapping[str, str] | None = None,
        parameter: str | None = None,
    ) -> None:
        """Keep what the answer will say; `parameter` names the field of the request that is wrong."""
        super().__init__(status, detail, dict(headers or {}))
        self.code = code
        self.parameter = parameter


def unknown(what: str) -> Refusal:
    """Return the refusal for something that does not exist, or is not the caller's to know of: the two look alike."""
    return Refusal(404, "not-found", f"There is no such {what}; it may have been deleted, or you may not see it.")


def signed_out() -> Refusal:
    """Return the refusal for a missing, unknown, expired or suspended credential: the four look alike."""
    detail = "Sign in, or send a valid API key as 'Authorization: Bearer KEY'."
    return Refusal(401, "not-signed-in", detail, {"WWW-Authenticate": "Bearer"})


def not_allowed(detail: str = "Only an administrator may do this; ask one.") -> Refusal:
    """Return the refusal for something that the caller may know of but not do."""
    return Refusal(403, "not-allowed", detail)


def too_large(limit: int) -> Refusal:
    """Return the refusal of a body; the connection is closed, since the rest of the body is not read."""
    detail = f"The body is larger than {limit:,} bytes, the limit here; send less at a time."
    return Refusal(413, "too-large", detail, {"Connection": "close"})


def too_slow() -> Refusal:
    """Return the refusal of a body that did not arrive; the connection is closed."""
    return Refusal(408, "too-slow", "The body did not arrive in time; send it again.", {"Connection": "close"})


def invalid(detail: str, parameter: str | None = None) -> Refusal:
    """Return the refusal of a value; the sentence names it."""
    return Refusal(422, "invalid", detail, parameter=parameter)


# What each expected error becomes; the most specific class wins.
STATUS: dict[type[Exception], tuple[int, str]] = {
    ours.NameUnusable: (422, "invalid"),
    ours.PasswordUnusable: (422, "password-unusable"),
    ours.UnknownGroup: (422, "invalid"),
    ours.UserNameTaken: (409, "name-taken"),
    ours.LastAdministrator: (409, "last-administrator"),
    ours.WrongPassword: (401, "wrong-password"),
    ours.LinkUsed: (401, "link-used"),
    ours.TooManyAttempts: (429, "too-many-attempts"),
    ours.Overloaded: (429, "overloaded"),
    ours.PictureRefused: (422, "picture-refused"),
    ours.SpeechOff: (501, "speech-off"),
    ours.RecordingRefused: (415, "recording-refused"),
    ours.RecordingTooLong: (413, "recording-too-long"),
    ours.NothingHeard: (422, "nothing-heard"),
    ours.SpeechRefused: (422, "speech-refused"),
    ours.SpeechUnavailable: (503, "speech-unavailable"),
    ours.ConversationTooLong: (409, "conversation-too-long"),
    curated.CuratedUnusable: (422, "curated-unusable"),
    curated.CuratedFull: (409, "curated-full"),
    gallery.AssistantUnusable: (422, "assistant-unusable"),
    gallery.AssistantNameTaken: (409, "name-taken"),
    gallery.TooManyAssistants: (409, "too-many-assistants"),
    gallery.GalleryFull: (409, "gallery-full"),
    gallery.NotYourAssistant: (403, "not-allowed"),
    ratings.RatingsClosed: (403, "not-allowed"),
    ours.ImportRefused: (422, "import-refused"),
    memory.NoteUnusable: (422, "note-unusable"),
    memory.MemoryFull: (409, "memory-full"),
    memory.NotAMember: (404, "not-found"),
    memory.NoPerson: (409, "no-person"),
    promptbook.CommandUnknown: (422, "command-unknown"),
    promptbook.PromptBroken: (422, "prompt-broken"),
    promptbook.PromptClash: (409, "prompt-clash"),
    promptbook.NothingToRollBack: (409, "nothing-to-roll-back"),
    evaluation.RowsUnusable: (422, "questions-unusable"),
    widgets.WidgetOff: (404, "widget-off"),
    widgets.OriginRefused: (403, "origin-refused"),
    widgets.VisitorRefused: (401, "visitor-refused"),
    widgets.LimitReached: (429, "limit-reached"),
    widgets.WidgetNameTaken: (409, "name-taken"),
    widgets.ProfileRefused: (422, "invalid"),
    ingest.StorageFull: (507, "storage-full"),
    knowledge.NameTaken: (409, "name-taken"),
    knowledge.InvalidValue: (422, "invalid"),
    knowledge.IndexUnavailable: (503, "search-unavailable"),
    knowledge.EmbedderUnavailable: (503, "embedding-unavailable"),
    skills.SkillError: (422, "skill-unusable"),
    skills.NoServer: (422, "skill-without-server"),
    skills.NameClash: (409, "name-taken"),
    skills.UnknownSkill: (404, "not-found"),
}


@dataclass(frozen=True, slots=True)
class _Described:
    status: int
    code: str
    detail: str
    headers: Mapping[str, str]
    parameter: str | None = None


def install(api: FastAPI) -> None:
    """Make `api` answer every error in one of the two shapes."""
    api.add_exception_handler(HTTPException, _on_http)
    api.add_exception_handler(RequestValidationError, _on_validation)
    api.add_exception_handler(ours.AssistantError, _on_known)
    api.add_exception_handler(evaluation.EvaluationError, _on_known)
    api.add_exception_handler(knowledge.KnowledgeError, _on_known)
    api.add_exception_handler(ingest.IngestError, _on_known)
    api.add_exception_handler(skills.SkillError, _on_known)
    api.add_exception_handler(DBAPIError, _on_database)
    api.add_exception_handler(PoolTimeout, _on_database)
    api.add_exception_handler(ClientDisconnect, _on_gone)


def answer(path: str, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response for an error on `path`, in OpenAI's shape below /v1."""
    return _render(path, _Described(status, code, detail, headers or {}))


def internal(path: str) -> JSONResponse:
    """Return the response for a bug of ours."""
    detail = "Something went wrong on our side; the log has the details under this answer's X-Request-Id."
    return answer(path, 500, "internal", detail)


def openai_error(status: int, code: str, detail: str, parameter: str | None = None) -> dict[str, dict[str, str | None]]:
    """Return an error in OpenAI's shape, as body or as a streamed event."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": detail, "type": kind, "param": parameter, "code": code.replace("-", "_")}}


def _render(path: str, found: _Described) -> JSONResponse:
    headers = dict(found.headers)
    if path == "/v1" or path.startswith("/v1/"):
        # OpenAI's clients know 400 for a body that is not right, not 422.
        status = 400 if found.status == 422 else found.status
        return JSONResponse(openai_error(status, found.code, found.detail, found.parameter), status, headers)
    title = HTTPStatus(found.status).phrase
    body = {"type": TYPE_PREFIX + found.code, "title": title, "status": found.status, "detail": found.detail}
    return JSONResponse({**body, "code": found.code}, found.status, headers, "application/problem+json")


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error, Refusal):
        code, detail = error.code, error.detail
    else:  # the router's own: no such path, no such method; or a body that is no JSON at all
        code, detail = _ROUTER.get(error.status_code, ("refused", str(error.detail)))
    parameter = getattr(error, "parameter", None)
    return _render(request.scope["path"], _Described(error.status_code, code, detail, error.headers or {}, parameter))


_ROUTER = {
    400: ("unreadable", "The body cannot be read; send one JSON object in UTF-8."),
    404: ("not-found", "There is nothing at this address; /api/openapi.json lists what there is."),
    405: ("wrong-method", "This address does not know that method; /api/openapi.json lists what there is."),
}


async def _on_validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    sentence, field = told(error.errors())
    return _render(request.scope["path"], _Described(422, "invalid", sentence, {}, field))


async def _on_known(request: Request, error: Exception) -> JSONResponse:
    status, code = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), (500, "internal"))
    headers = {}
    if isinstance(error, ours.ComeBackLater):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    elif status == 503:
        headers["Retry-After"] = "5"
    if status == 500:
        raise error  # an error that no route is expected to cause: a bug
    return _render(request.scope["path"], _Described(status, code, str(error), headers))


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    _log.error("the database refused", error=type(error).__name__, reason=str(getattr(error, "orig", error))[:300])
    text = str(getattr(error, "orig", ""))
    if "full" in text or "No space" in text:
        detail = "The disk is full, so nothing can be stored; free some space and try again."
        return answer(request.scope["path"], 507, "disk-full", detail)
    if isinstance(error, OperationalError | PoolTimeout) or getattr(error, "connection_invalidated", False):
        detail = "The database does not answer just now; try again in a few seconds."
        return answer(request.scope["path"], 503, "database-unavailable", detail, {"Retry-After": "2"})
    raise error


async def _on_gone(request: Request, _error: Exception) -> JSONResponse:
    """Answer a client that hung up while it sent its body: nobody reads this, but the log gets a status."""
    return answer(request.scope["path"], 400, "incomplete", "The connection closed before the whole body was there.")
