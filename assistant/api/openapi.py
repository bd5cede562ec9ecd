"""The OpenAPI description: as FastAPI makes it, with our error shapes in place of its own."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "code": _TEXT},
}
_MAYBE: Json = {"anyOf": [{"type": "string"}, {"type": "null"}]}
_OPENAI: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": _TEXT, "type": _TEXT, "param": _MAYBE, "code": _MAYBE},
        }
    },
}
_OWN = {"Problem": _PROBLEM, "OpenAIError": _OPENAI}
_FOREIGN = ("HTTPValidationError", "ValidationError")


def install(api: FastAPI) -> None:
    """Make `api.openapi()` return the description of its routes, made on first use."""

    def described() -> Json:
        if api.openapi_schema is None:
            api.openapi_schema = _with_our_errors(
                get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
            )
        return api.openapi_schema

    api.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend the description


def _with_our_errors(description: Json) -> Json:
    schemas: Json = description["components"]["schemas"]
    for name in _FOREIGN:
        schemas.pop(name, None)
    schemas |= _OWN
    for path, operations in description["paths"].items():
        name, media = (
            ("OpenAIError", "application/json") if path.startswith("/v1/") else ("Problem", "application/problem+json")
        )
        refused = {
            "description": "Refused; the body says why and what to do",
            "content": {media: {"schema": {"$ref": f"#/components/schemas/{name}"}}},
        }
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["4XX"] = refused
    return description
