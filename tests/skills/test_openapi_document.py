from __future__ import annotations

import contextlib
import copy
import json
import random
from typing import Any

import pytest

from skills.errors import BadSkill, DocumentTooLarge, SkillError
from skills.openapi_document import Document, read_document
from tests.skills.conftest import OPENAPI, operation

LIMIT = 10_000_000


def read(document: dict[str, Any] | bytes, address: str = "", only: frozenset[str] | None = None) -> Document:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_document(raw, address, LIMIT, only)


@pytest.mark.skipif(not OPENAPI.is_dir(), reason="the sample documents in ../shared/data are not here")
@pytest.mark.parametrize(
    ("name", "operations", "server"),
    [
        ("learn.openapis.org__examples_v2.0_json_uber.json", 5, "https://api.uber.com/v1"),
        ("learn.openapis.org__examples_v3.0_uspto.yaml", 3, "https://developer.uspto.gov/ds-api"),
        ("learn.openapis.org__examples_v3.0_link-example.json", 6, None),
        ("learn.openapis.org__examples_v3.1_tictactoe.yaml", 3, None),
        ("swagger-petstore__src_main_resources_openapi.yaml", 19, "https://petstore3.swagger.io/api/v3"),
        ("oas-examples__3.0_json_star-trek.json", 120, "http://stapi.co/api/v1/rest"),
        ("oas-examples__3.0_json_polymorphism.json", 13, "https://httpbin.org"),
        ("oas-examples__3.1_json_schema-types.json", 23, "https://httpbin.org"),
    ],
)
def test_reads_published_documents_of_all_versions(name: str, operations: int, server: str | None) -> None:
    document = read_document((OPENAPI / name).read_bytes(), "", LIMIT)
    assert (len(document.operations), document.server, document.left_out) == (operations, server, ())
    assert len({each.name for each in document.operations}) == operations
    assert "$ref" not in json.dumps([each.parameters for each in document.operations])


def test_reads_parameters_and_flattens_the_body() -> None:
    document = read(
        operation(
            "put",
            "/things/{id}",
            parameters=[
                {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}},
                {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                {"name": "session", "in": "cookie", "schema": {"type": "string"}},
            ],
            requestBody={
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["id"],
                            "properties": {
                                "id": {"type": "string", "nullable": True},
                                "size": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
                                "made": {"type": "string", "readOnly": True},
                            },
                        }
                    }
                },
            },
        )
    )
    schema = document.operations[0].parameters
    assert list(schema["properties"]) == ["id", "X-Trace", "id_body", "size"]
    assert schema["required"] == ["id", "id_body"]
    assert schema["properties"]["id_body"]["type"] == ["string", "null"]
    assert schema["properties"]["size"] == {"type": "number", "exclusiveMinimum": 0}


def test_survives_a_reference_cycle() -> None:
    document = operation(
        parameters=[{"name": "filter", "in": "query", "schema": {"$ref": "#/components/schemas/Node"}}]
    )
    document["components"] = {
        "schemas": {"Node": {"type": "object", "properties": {"child": {"$ref": "#/components/schemas/Node"}}}}
    }
    schema = read(document).operations[0].parameters
    assert schema["properties"]["filter"]["properties"] == {"child": {}}


def test_leaves_out_operations_that_refer_elsewhere_or_take_files_and_says_why() -> None:
    document = operation(parameters=[{"$ref": "http://169.254.169.254/latest"}])
    document["paths"]["/upload"] = {
        "post": {"operationId": "up", "requestBody": {"required": True, "content": {"image/png": {}}}}
    }
    document["paths"]["/x/{id}"] = {"get": {"operationId": "missing"}}
    document["paths"]["/ok"] = {"get": {"operationId": "ok"}}
    found = read(document)
    assert [each.name for each in found.operations] == ["ok"]
    assert [line.split(":")[0] for line in found.left_out] == ["find_things", "up", "missing"]


def test_gives_operations_of_one_name_different_names() -> None:
    document = operation()
    document["paths"]["/more"] = document["paths"]["/things"]
    assert len({each.name for each in read(document).operations}) == 2


def test_finds_the_server_by_version() -> None:
    assert (
        read(
            operation() | {"servers": [{"url": "https://{h}/v1", "variables": {"h": {"default": "a.example"}}}]}
        ).server
        == "https://a.example/v1"
    )
    assert (
        read(operation() | {"servers": [{"url": "/v2"}]}, "https://b.example/openapi.json").server
        == "https://b.example/v2"
    )
    swagger = {"swagger": "2.0", "host": "c.example", "basePath": "/api", "schemes": ["http", "https"], "paths": {}}
    assert read(swagger).server == "https://c.example/api"
    assert read(operation()).server is None


def test_refuses_what_is_too_large_quickly() -> None:
    with pytest.raises(DocumentTooLarge, match="20000000"):
        read(b" " * 20_000_000)
    with pytest.raises(DocumentTooLarge, match="YAML"):
        read(b"a: b\n" * 500_000)
    many = operation()
    many["paths"] = {f"/p{n}": {"get": {}} for n in range(400)}
    with pytest.raises(BadSkill, match="over 300"):
        read(many)
    assert len(read(many, only=frozenset({"get_p7"})).operations) == 1


def test_survives_a_yaml_bomb() -> None:
    levels = "\n".join(f"l{n}: &l{n} {{items: [{', '.join([f'*l{n - 1}'] * 9)}]}}" for n in range(1, 12))
    raw = (
        "openapi: 3.0.0\nl0: &l0 {type: string}\n" + levels + "\npaths: {/a: {get: {operationId: a, parameters: "
        "[{name: q, in: query, schema: *l11}]}}}"
    )
    with pytest.raises(BadSkill, match="has aliases that stand for"):
        read(raw.encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{" * 100_000,
        b"[" * 100_000,
        b"a: [",
        b"&a [*a]",
        b'{"openapi": "4.0"}',
        b"x: 1",
    ]
    + [b"!!python/object/apply:os.system [id]", b'{"openapi": 3, "paths": {}}'],
)
def test_refuses_what_is_no_document(raw: bytes) -> None:
    with pytest.raises(BadSkill):
        read(raw)


def test_ends_mutated_documents_with_our_errors_only() -> None:
    base = operation(
        "post",
        "/things/{id}",
        parameters=[{"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}, "style": "label"}],
        requestBody={"content": {"application/json": {"schema": {"type": "object", "properties": {"a": {}}}}}},
    ) | {"servers": [{"url": "https://a.example", "variables": {"v": {"default": "x"}}}]}
    pieces: list[Any] = [None, 1, "x", [], {}, [1], {"a": 1}, True, {"$ref": "#/paths"}, {"$ref": 3}]
    for _ in range(1_500):
        document = copy.deepcopy(base)
        _mutate(document, pieces)
        with contextlib.suppress(SkillError):
            read(document)


def _mutate(value: Any, pieces: list[Any]) -> None:
    """Put something wrong somewhere below `value`."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = random.choice(keys)
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or random.random() < 0.25:
            value[key] = random.choice(pieces)
            return
        value = inner


def test_reads_a_description_that_was_written_for_a_web_page() -> None:
    said = {"summary": "Find pets by status.", "description": "Multiple<br><br>values <b>may</b> be given."}
    (found,) = read(operation("get", "/pets", **said)).operations
    assert found.description == "Find pets by status. Multiple values may be given."
    (found,) = read(operation("get", "/pets", summary="Find pets", description="By status")).operations
    assert found.description == "Find pets. By status"
