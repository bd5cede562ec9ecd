"""OpenAPI documents (2.0, 3.0, 3.1) read into operations that one JSON object of arguments can call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urljoin

import yaml

from skills.declare import NAME
from skills.errors import BadSkill, DocumentTooLarge, yaml_said
from skills.guard import plain
from skills.schema import inline
from skills.types import Schema
from skills.yaml_text import read_yaml

Where = Literal["path", "query", "header", "body", "form", "whole"]
BodyKind = Literal["none", "json", "form"]
VERBS = ("get", "head", "post", "put", "patch", "delete", "options")
MAX_OPERATIONS = 300
MAX_YAML_BYTES = 2_000_000  # YAML is read at about 0.3 MB/s
_DESCRIPTION_CHARS = 600
_TAGS = re.compile(
    r"</?(?:br|p|b|i|em|strong|code|ul|ol|li)\s*/?>", re.IGNORECASE
)  # of descriptions written for web pages
_OURS = frozenset({"accept", "content-type", "authorization", "host", "cookie", "content-length"})


@dataclass(frozen=True, slots=True)
class Field:
    """One argument, and the place in the request where it goes."""

    argument: str
    where: Where
    wire: str  # its name there
    required: bool
    schema: Schema
    style: str = "form"  # as OpenAPI 3 calls it
    explode: bool = True


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    name: str
    method: str  # lower case
    path: str
    description: str
    fields: tuple[Field, ...]
    body: BodyKind

    @property
    def parameters(self) -> Schema:
        """Return the JSON schema of its arguments."""
        required = [field.argument for field in self.fields if field.required]
        properties = {field.argument: field.schema for field in self.fields}
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


@dataclass(frozen=True, slots=True)
class Document:
    """What a document describes."""

    title: str
    server: str | None  # base address; None when the document names none
    operations: tuple[Operation, ...]
    left_out: tuple[str, ...]  # operations that cannot be offered, each with the reason


def read_document(raw: bytes, address: str, max_bytes: int, only: frozenset[str] | None = None) -> Document:
    """Return what the JSON or YAML document says; `address` is where it came from, "" for a file.

    With `only`, no other operations than those are looked at. Raises BadSkill when it is no OpenAPI document, refers
    to other documents, or offers more than 300 operations; DocumentTooLarge when it is over `max_bytes`.
    """
    root = _parse(raw, max_bytes)
    version = str(root.get("openapi") or root.get("swagger") or "")
    if not version.startswith(("2.", "3.0", "3.1")):
        raise BadSkill(f"This is no OpenAPI 2.0, 3.0 or 3.1 document (it says {version[:20]!r}).")
    info = root.get("info")
    title = str(info.get("title", "API")) if isinstance(info, dict) else "API"
    try:
        server = _server(root, address)
    except (AttributeError, TypeError, KeyError, IndexError, ValueError) as exc:
        raise BadSkill(f"The server in the document of {title[:100]!r} is malformed.") from exc
    operations: list[Operation] = []
    left_out: list[str] = []
    names: set[str] = set()
    for method, path, shared, description in _walk(root):
        name = _name(description, method, path)
        name = name if name not in names else f"{name[:60]}_{len(names)}"
        names.add(name)
        if only is not None and name not in only:
            continue
        try:
            operations.append(_operation(root, name, method, path, shared, description))
        except BadSkill as exc:
            left_out.append(f"{name}: {exc}")
        except (AttributeError, TypeError, KeyError, IndexError, ValueError) as exc:
            left_out.append(f"{name}: its description is malformed ({type(exc).__name__})")
        if len(operations) > MAX_OPERATIONS:
            raise BadSkill(f"{title} offers over {MAX_OPERATIONS} operations. Name the useful ones under `only`.")
    return Document(title[:200], server, tuple(operations), tuple(left_out))


def _parse(raw: bytes, max_bytes: int) -> dict[str, Any]:
    if len(raw) > max_bytes:
        raise DocumentTooLarge(f"The document has {len(raw)} bytes, over the limit of {max_bytes}.")
    try:
        root = json.loads(raw) if raw.lstrip()[:1] == b"{" else _yaml(raw)
    except (ValueError, RecursionError, yaml.YAMLError) as exc:
        raise BadSkill(f"The document is neither JSON nor YAML: {yaml_said(exc, 'the document')}") from exc
    if not isinstance(root, dict):
        raise BadSkill("The document is no JSON or YAML object.")
    return root


def _yaml(raw: bytes) -> object:
    if len(raw) > MAX_YAML_BYTES:
        raise DocumentTooLarge(f"The YAML document has {len(raw)} bytes, over the limit of {MAX_YAML_BYTES}. Use JSON.")
    return read_yaml(raw, "The YAML document")


def _walk(root: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Any], dict[str, Any]]]:
    paths = root.get("paths")
    for path, item in paths.items() if isinstance(paths, dict) else ():
        if not isinstance(item, dict) or not str(path).startswith("/"):
            continue
        for method in VERBS:
            if isinstance(item.get(method), dict):
                shared = item.get("parameters")
                # a fragment tells apart what OpenAPI cannot: it is never sent
                yield method, str(path).partition("#")[0], shared if isinstance(shared, list) else [], item[method]


def _name(operation: Mapping[str, Any], method: str, path: str) -> str:
    given = str(operation.get("operationId") or f"{method}_{path}")
    name = re.sub(r"[^A-Za-z0-9]+", "_", given).strip("_")[:64]
    return name if NAME.fullmatch(name) else f"op_{name}"[:64]


def _server(root: Mapping[str, Any], address: str) -> str | None:
    if "swagger" in root:
        schemes = root.get("schemes") or ["https"]
        scheme = "https" if "https" in schemes else str(schemes[0])
        if not root.get("host"):
            return urljoin(address, str(root.get("basePath", "/"))) if address else None
        return f"{scheme}://{root['host']}{root.get('basePath', '')}"
    servers = root.get("servers")
    first = servers[0] if isinstance(servers, list) and servers and isinstance(servers[0], dict) else {"url": "/"}
    variables = first.get("variables")
    named = variables if isinstance(variables, dict) else {}
    defaults = {key: str(value.get("default", "")) for key, value in named.items()}
    url = re.sub(r"\{(\w+)\}", lambda found: defaults.get(found[1], ""), str(first.get("url", "/")))
    absolute = urljoin(address, url) if address else url
    return absolute if absolute.startswith(("http://", "https://")) else None


def _operation(
    root: Mapping[str, Any], name: str, method: str, path: str, shared: list[Any], described: dict[str, Any]
) -> Operation:
    own = described.get("parameters")
    fields: dict[tuple[str, str], Field] = {}
    body: BodyKind = "none"
    for raw in [*shared, *(own if isinstance(own, list) else [])]:
        parameter = inline(raw, root)
        place, wire = str(parameter.get("in", "")), str(parameter.get("name", ""))
        if place in ("path", "query") or (place == "header" and wire.lower() not in _OURS):
            fields[place, wire] = _parameter(parameter, place, wire)
        elif place == "formData":
            body = "form"
            fields["form", wire] = _parameter(parameter, "form", wire)
        elif place == "body":
            body = "json"
            fields.update(_body(modern(parameter.get("schema")), "body", bool(parameter.get("required"))))
    if isinstance(described.get("requestBody"), dict):
        body, more = _request_body(inline(described["requestBody"], root))
        fields.update(more)
    missing = [found for found in re.findall(r"\{([^{}]+)\}", path) if ("path", found) not in fields]
    if missing:
        raise BadSkill(f"its path has {missing[0]!r} in braces, which is not described")
    parts = [_TAGS.sub(" ", str(described[key])).split() for key in ("summary", "description") if described.get(key)]
    sentences = [" ".join(part) for part in parts if part]
    said = plain(" ".join(each if each[-1] in ".!?:" or each is sentences[-1] else f"{each}." for each in sentences))
    text = said[:_DESCRIPTION_CHARS] or f"{method.upper()} {path}"
    return Operation(name, method, path, text, tuple(_unclash(list(fields.values()))), body)


def _parameter(parameter: dict[str, Any], place: str, wire: str) -> Field:
    """Read a parameter of 3.x, or of 2.0, where its schema lies in the parameter itself."""
    where: Where = (
        "path" if place == "path" else "query" if place == "query" else "header" if place == "header" else "form"
    )
    content = parameter.get("content")
    style = str(parameter.get("style") or ("simple" if where in ("path", "header") else "form"))
    if isinstance(content, dict) and content:
        schema, style = modern(next(iter(content.values())).get("schema")), "json"
    elif isinstance(parameter.get("schema"), dict):
        schema = modern(parameter["schema"])
    else:
        schema = modern({k: v for k, v in parameter.items() if k not in ("in", "name", "required", "description")})
        style = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}.get(str(parameter.get("collectionFormat")), style)
    if schema.get("type") == "file":
        raise BadSkill("it takes a file")
    if parameter.get("description"):
        schema["description"] = " ".join(plain(str(parameter["description"])).split())[:300]
    modern_form = style == "form" and "schema" in parameter
    explode = bool(parameter.get("explode", modern_form or parameter.get("collectionFormat") == "multi"))
    return Field(wire, where, wire, bool(parameter.get("required")) or where == "path", schema, style, explode)


def _request_body(described: dict[str, Any]) -> tuple[BodyKind, dict[tuple[str, str], Field]]:
    content = described.get("content")
    required = bool(described.get("required"))
    for media_type, media in content.items() if isinstance(content, dict) else ():
        if re.fullmatch(r"application/(?:[\w.+-]*\+)?json|\*/\*", str(media_type).split(";")[0].strip()):
            return "json", _body(modern(media.get("schema")), "body", required)
    for media_type, media in content.items() if isinstance(content, dict) else ():
        if media_type == "application/x-www-form-urlencoded":
            return "form", _body(modern(media.get("schema")), "form", required)
    if required:
        raise BadSkill(f"it takes a body that is neither JSON nor a form ({', '.join(map(str, content or ()))[:100]})")
    return "none", {}


def _body(schema: Schema, where: Where, required: bool) -> dict[tuple[str, str], Field]:
    """Return one field per property of an object, so that models see flat arguments; else one field for the whole."""
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties or schema.keys() & {"allOf", "oneOf", "anyOf"}:
        return {("whole", "body"): Field("body", "whole", "body", required, schema)}
    needed = schema.get("required", [])
    return {
        (where, name): Field(name, where, name, required and name in needed, inner)
        for name, inner in properties.items()
        if isinstance(inner, dict) and not inner.get("readOnly")
    }


def _unclash(fields: list[Field]) -> Iterator[Field]:
    """Give each field an argument name of its own: `id` of the path and `id` of the body become id and id_body."""
    taken: set[str] = set()
    for field in fields:
        argument = re.sub(r"[^A-Za-z0-9_-]+", "_", field.argument)[:60] or "value"
        argument = f"{argument}_{field.where}" if argument in taken else argument
        taken.add(argument)
        yield Field(argument, field.where, field.wire, field.required, field.schema, field.style, field.explode)


def modern(schema: object) -> Schema:
    """Return an OpenAPI schema as a JSON schema of 2020: nullable and exclusive limits written its way."""
    if not isinstance(schema, dict):
        return {}
    result: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: modern(inner) for name, inner in value.items()} if isinstance(value, dict) else {}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            result[key] = modern(value)
        elif key in ("allOf", "oneOf", "anyOf", "prefixItems"):
            result[key] = [modern(inner) for inner in value] if isinstance(value, list) else []
        elif not (key == "required" and not isinstance(value, list)):
            result[key] = value
    if result.pop("nullable", False) is True and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(result.get(exclusive), bool) and result.pop(exclusive) and limit in result:
            result[exclusive] = result.pop(limit)
    return result
