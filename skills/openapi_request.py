"""From an operation and its arguments to one HTTP request: parameter styles, encodings, no way out of its place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from skills.auth import Signature
from skills.errors import SkillRefusal
from skills.http import HttpRequest
from skills.openapi_document import Field, Operation

_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|", "label": ".", "matrix": ","}
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,4000}")


def build(operation: Operation, server: str, arguments: Mapping[str, Any], signature: Signature) -> HttpRequest:
    """Return the request of one call, always below `server`.

    Raises SkillRefusal when a value would lead out of its place: a path part like "..", a header with a line break.
    """
    path = operation.path
    query: list[tuple[str, str]] = []
    headers = {"Accept": "application/json, text/*;q=0.9, */*;q=0.5"}
    body: dict[str, Any] = {}
    whole: object = None
    for field in operation.fields:
        if field.argument not in arguments:
            continue
        value = arguments[field.argument]
        match field.where:
            case "path":
                path = path.replace("{" + field.wire + "}", _path_part(field, value))
            case "query":
                query += _pairs(field, value)
            case "header":
                headers[field.wire] = _header(field, value)
            case "whole":
                whole = value
            case _:
                body[field.wire] = value
    content = _content(operation, body, whole, headers)
    query += signature.query.items()
    url = server.rstrip("/") + path + (f"?{urlencode(query, quote_via=quote)}" if query else "")
    return HttpRequest(operation.method.upper(), url, {**headers, **signature.headers}, content)


def _content(operation: Operation, body: dict[str, Any], whole: object, headers: dict[str, str]) -> bytes | None:
    if operation.body == "json" and (body or whole is not None):
        headers["Content-Type"] = "application/json"
        return json.dumps(whole if whole is not None else body, ensure_ascii=False).encode()
    if operation.body == "form":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        values = whole if isinstance(whole, dict) else body
        return urlencode([(name, _scalar(value)) for name, value in values.items()]).encode()
    return None


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _items(field: Field, value: object) -> list[str]:
    """Return what a list or object is written as, before it is joined."""
    if isinstance(value, list):
        return [_scalar(item) for item in value]
    if isinstance(value, dict) and field.explode:
        return [f"{key}={_scalar(item)}" for key, item in value.items()]
    if isinstance(value, dict):
        return [part for key, item in value.items() for part in (str(key), _scalar(item))]
    return [_scalar(value)]


def _path_part(field: Field, value: object) -> str:
    parts = [quote(item, safe="=" if isinstance(value, dict) else "") for item in _items(field, value)]
    joined = ",".join(parts)
    if not joined or {joined.replace("%2E", "."), *parts} & {".", ".."} or any(ord(c) < 32 for c in _scalar(value)):
        raise SkillRefusal(f"{field.argument}: {_scalar(value)[:100]!r} cannot be part of an address.")
    if field.style == "label":
        return "." + ("." if field.explode else ",").join(parts)
    if field.style == "matrix":
        if isinstance(value, dict) and field.explode:
            return "".join(f";{part}" for part in parts)
        return "".join(f";{field.wire}={p}" for p in parts) if field.explode else f";{field.wire}={joined}"
    return joined


def _pairs(field: Field, value: object) -> list[tuple[str, str]]:
    if field.style == "json":
        return [(field.wire, json.dumps(value, ensure_ascii=False))]
    if isinstance(value, dict) and field.style == "deepObject":
        return [(f"{field.wire}[{key}]", _scalar(item)) for key, item in value.items()]
    if isinstance(value, dict) and field.explode:
        return [(str(key), _scalar(item)) for key, item in value.items()]
    if isinstance(value, list) and field.explode:
        return [(field.wire, _scalar(item)) for item in value]
    return [(field.wire, _SEPARATORS.get(field.style, ",").join(_items(field, value)))]


def _header(field: Field, value: object) -> str:
    text = ",".join(_items(field, value))
    if not _HEADER_VALUE.fullmatch(text):
        raise SkillRefusal(f"{field.argument}: a header takes printable ASCII only, at most 4,000 characters.")
    return text
