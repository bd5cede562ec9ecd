"""An OpenAPI document as a source of skills: one skill per operation, GET alone unless the entry allows more."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio.to_thread

from skills.auth import ApiKey, Signer
from skills.entries import OpenApiEntry
from skills.errors import BadSkill, DocumentTooLarge, NoServer, SkillFailure
from skills.guard import plain
from skills.http import Http, HttpReply, HttpRequest
from skills.openapi_document import Document, Field, Operation, read_document
from skills.openapi_request import build
from skills.secrets import Secrets
from skills.types import Skill, SkillCall, SkillResult, content_version

_READS = frozenset({"get", "head", "options"})
_CORRECTABLE = frozenset({400, 404, 405, 409, 410, 422})


class OpenApiSource:
    """The operations that a document describes, as far as the entry lets them be used.

    `folder` is where a relative document path starts. `left_out` says, after loading, what is not offered and why.
    """

    def __init__(
        self,
        entry: OpenApiEntry,
        folder: Path,
        *,
        http: Http,
        secrets: Secrets,
        timeout_s: float,
        max_output_bytes: int,
        max_document_bytes: int,
    ) -> None:
        self.name = f"openapi:{entry.name}"
        self.origin = entry.came_from
        self.left_out: tuple[str, ...] = ()
        self._entry = entry
        self._folder = folder
        self._http = http
        self._signer = Signer(entry.auth, secrets, http)
        self._server = ""
        self._timeout_s = timeout_s
        self._max_output_bytes = max_output_bytes
        self._max_document_bytes = max_document_bytes

    async def load(self) -> list[Skill]:
        """Return one skill per allowed operation.

        Raises BadSkill when there is no readable document, none of its operations is allowed, or its server is an
        address that skills may not call.
        """
        raw, address = await self._raw()
        document = await anyio.to_thread.run_sync(
            read_document, raw, address, self._max_document_bytes, self._entry.only
        )
        server = self._entry.server or document.server
        if not server or not server.startswith(("http://", "https://")):
            raise NoServer(f"The document of {document.title!r} names no server: give the base address as `server`.")
        try:
            await self._http.check(server)
        except SkillFailure as exc:
            raise BadSkill(f"The server of {document.title!r} may not be called. {exc}") from exc
        allowed = [each for each in document.operations if each.method in self._entry.verbs]
        self.left_out = (*document.left_out, *self._not_allowed(document))
        if not document.operations:
            why = f": {document.left_out[0]}" if document.left_out else ""
            raise BadSkill(f"The document of {document.title!r} has no operation that can be offered{why}")
        if not allowed:
            verbs = ", ".join(sorted(self._entry.verbs))
            raise BadSkill(f"No operation of {document.title!r} is allowed (verbs: {verbs}). Allow more in the entry.")
        self._server = server
        return [self._skill(operation, server) for operation in allowed]

    async def probe(self) -> str:
        """Ask the server of a loaded document for nothing, and return in a sentence that it answers.

        Raises SkillFailure when it does not, or may not be called.
        """
        reply = await self._http(HttpRequest("HEAD", self._server), max_bytes=1_000, timeout_s=self._timeout_s)
        return f"{urlsplit(self._server).netloc} answers (status {reply.status})."

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _raw(self) -> tuple[bytes, str]:
        place = self._entry.document
        if not place.startswith(("http://", "https://")):
            path = self._folder / place
            if path.stat().st_size > self._max_document_bytes:
                raise DocumentTooLarge(f"{path} is over the limit of {self._max_document_bytes} bytes.")
            return await anyio.to_thread.run_sync(path.read_bytes), ""
        request = HttpRequest("GET", place, {"Accept": "application/json, application/yaml, text/yaml, */*"})
        try:
            reply = await self._http(request, max_bytes=self._max_document_bytes, timeout_s=30)
        except SkillFailure as exc:
            raise BadSkill(f"The document cannot be read. {exc}") from exc
        if reply.status != 200:
            raise BadSkill(f"{place} answered with status {reply.status}, not with a document.")
        return reply.body, place

    def _not_allowed(self, document: Document) -> list[str]:
        verbs = self._entry.verbs
        return [f"{e.name}: {e.method.upper()} is not allowed" for e in document.operations if e.method not in verbs]

    def _skill(self, operation: Operation, server: str) -> Skill:
        operation = replace(operation, fields=tuple(each for each in operation.fields if not self._signed(each)))
        return Skill(
            name=(self._entry.prefix + operation.name)[:64],
            description=operation.description,
            parameters=operation.parameters,
            effect="read" if operation.method in _READS else "write",
            run=partial(self._run, operation, server),
            source=self.name,
            version=content_version(repr(operation), server),
            readers=self._entry.readers,
            tags=frozenset({"outbound"}) if self._entry.outbound else frozenset(),
        )

    def _signed(self, field: Field) -> bool:
        """Whether a parameter is the key that we send: a model neither sees nor sets it."""
        auth = self._entry.auth
        return isinstance(auth, ApiKey) and field.where == auth.where and field.wire.lower() == auth.name.lower()

    async def _run(self, operation: Operation, server: str, call: SkillCall) -> SkillResult:
        signature = await self._signer.sign(call.person)
        request = build(operation, server, call.arguments, signature)
        reply = await self._http(request, max_bytes=self._max_output_bytes, timeout_s=self._timeout_s)
        return to_result(operation.name, reply)


def to_result(name: str, reply: HttpReply) -> SkillResult:
    """Return what an API's reply means: which errors other arguments may cure, and which not."""
    said = " ".join(plain(reply.text[:2_000]).split())[:300]
    if 200 <= reply.status < 300:
        data = reply.json() if reply.media_type.endswith("json") and reply.body else None
        return SkillResult("ok", reply.text or f"done (status {reply.status})", data=data)
    if reply.status in _CORRECTABLE:
        return SkillResult("retry", f"{name} answered {reply.status}: {said}")
    if reply.status in (401, 403):
        return SkillResult("failed", f"{name} refused access (status {reply.status}).")
    if 300 <= reply.status < 400:
        return SkillResult("failed", f"{name} redirects elsewhere (status {reply.status}), which is not followed.")
    return SkillResult("failed", f"{name} failed (status {reply.status}): {said}")
