"""`assistant users|groups|keys|collections|documents`: what the pages manage, from the command line."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json, show_table, when
from assistant.cli.session import call, connect
from knowledge.types import DocumentStatus

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

users = typer.Typer(no_args_is_help=True, help="People who may sign in.")
groups = typer.Typer(no_args_is_help=True, help="Groups, which collections and documents name as readers.")
keys = typer.Typer(no_args_is_help=True, help="API keys for programs.")
collections = typer.Typer(no_args_is_help=True, help="Collections of documents.")
documents = typer.Typer(no_args_is_help=True, help="Documents and their ingestion.")


def _get(context: typer.Context, path: str, **parameters: Any) -> Any:
    with connect(settings_of(context)) as client:
        return call(client, "GET", path, params=parameters or None)


def _print(value: Any, as_json: bool, title: str, rows: list[dict[str, Any]], columns: list[str]) -> None:
    if as_json:
        show_json(value)
    else:
        names = [
            column.removeprefix("n_").removeprefix("is_").removesuffix("_at").replace("_", " ") for column in columns
        ]
        show_table(title, names, [[_cell(column, row.get(column)) for column in columns] for row in rows])


def _cell(column: str, value: Any) -> Any:
    return when(value) if column.endswith("_at") and value is not None else value


@users.command("list")
def list_users(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List people."""
    found = _get(context, "/api/users")
    _print(found, as_json, "Users", found["users"], ["id", "name", "is_admin", "groups", "active"])


@users.command("add")
def add_user(
    context: typer.Context,
    name: str,
    password: Annotated[
        str | None,
        typer.Option(help="Asked for where it is left out; without a terminal it is the input's first line."),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May manage everything.")] = False,
    group: Annotated[list[str] | None, typer.Option(help="A group; may be given several times.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Create an account."""
    body = {"name": _given(name), "password": _password(password), "is_admin": admin, "groups": group or []}
    with connect(settings_of(context)) as client:
        created = call(client, "POST", "/api/users", json=body)
    _print(created, as_json, "Created", [created], ["id", "name", "is_admin", "groups"])


@users.command("suspend")
def suspend_user(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Stop all access of a person at once; `users restore` gives it back."""
    _set_active(context, name, False, as_json)


@users.command("restore")
def restore_user(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Give a suspended person access again."""
    _set_active(context, name, True, as_json)


def _password(given: str | None) -> str:
    if given is not None:
        return given
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    if line := sys.stdin.readline().rstrip("\r\n"):
        return line
    raise Failed("There is no password; give it with --password, or as the first line of the input.")


def _given(name: str) -> str:
    if not name.strip():
        raise Failed("The name is empty; give one.")
    return name


def _set_active(context: typer.Context, name: str, active: bool, as_json: bool) -> None:
    with connect(settings_of(context)) as client:
        user = _named(call(client, "GET", "/api/users")["users"], name, "user")
        changed = call(client, "PATCH", f"/api/users/{user['id']}", json={"active": active})
    _print(changed, as_json, "Changed", [changed], ["id", "name", "active"])


@groups.command("list")
def list_groups(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List groups."""
    found = _get(context, "/api/groups")
    _print(found, as_json, "Groups", found["groups"], ["name", "members"])


@groups.command("add")
def add_group(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Create a group."""
    with connect(settings_of(context)) as client:
        created = call(client, "POST", "/api/groups", json={"name": _given(name)})
    _print(created, as_json, "Created", [created], ["name"])


@keys.command("list")
def list_keys(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List everybody's API keys; their secrets are not kept."""
    found = _get(context, "/api/keys")
    _print(found, as_json, "Keys", found["keys"], ["id", "name", "user", "prefix", "created_at", "last_used_at"])


@keys.command("add")
def add_key(
    context: typer.Context,
    name: str,
    as_user: Annotated[str, typer.Option("--as", help="Whose rights it has.")],
    as_json: JsonFlag = False,
) -> None:
    """Create an API key and print its secret, once."""
    with connect(settings_of(context), as_user=as_user) as client:
        created = call(client, "POST", "/api/keys", json={"name": _given(name)})
    if as_json:
        show_json(created)
    else:
        out.print(created["secret"], markup=False, highlight=False)


@keys.command("delete")
def delete_key(context: typer.Context, key: str) -> None:
    """Delete an API key, by its id; it is refused from then on."""
    _act(context, "DELETE", f"/api/keys/{_id(key, 'key')}")


@collections.command("list")
def list_collections(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List collections with counts and readers."""
    found = _get(context, "/api/collections")
    _print(found, as_json, "Collections", found["collections"], ["id", "name", "n_documents", "n_chunks", "readers"])


@collections.command("add")
def add_collection(
    context: typer.Context,
    name: str,
    description: str = "",
    reader: Annotated[list[str] | None, typer.Option(help='"everyone", "public", "group:NAME" or "user:ID".')] = None,
    as_json: JsonFlag = False,
) -> None:
    """Create a collection."""
    body = {"name": _given(name), "description": description, "readers": reader or []}
    with connect(settings_of(context)) as client:
        created = call(client, "POST", "/api/collections", json=body)
    _print(created, as_json, "Created", [created], ["id", "name", "readers"])


@collections.command("delete")
def delete_collection(
    context: typer.Context, name: str, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete a collection with all its documents."""
    with connect(settings_of(context)) as client:
        found = _named(call(client, "GET", "/api/collections")["collections"], name, "collection")
        if not yes:
            if not sys.stdin.isatty():
                raise Failed(f"{name!r} has {found['n_documents']} documents; add --yes to delete it with them.")
            typer.confirm(f"Delete {name!r} with {found['n_documents']} documents?", abort=True)
        call(client, "DELETE", f"/api/collections/{found['id']}")


@documents.command("list")
def list_documents(
    context: typer.Context,
    collection: Annotated[str | None, typer.Option(help="Name of one collection.")] = None,
    status: Annotated[DocumentStatus | None, typer.Option(help="Only those; what was refused has failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 100,
    as_json: JsonFlag = False,
) -> None:
    """List documents with their ingestion status."""
    with connect(settings_of(context)) as client:
        parameters: dict[str, Any] = {"limit": limit}
        if collection:
            parameters["collection"] = _named(
                call(client, "GET", "/api/collections")["collections"], collection, "collection"
            )["id"]
        if status:
            parameters["status"] = status
        found = call(client, "GET", "/api/documents", params=parameters)
    _print(found, as_json, "Documents", found["documents"], ["id", "title", "status", "stage", "n_chunks", "reason"])


@documents.command("retry")
def retry_document(context: typer.Context, document: str) -> None:
    """Put a failed or cancelled document back into the queue."""
    _act(context, "POST", f"/api/documents/{_id(document, 'document')}/retry")


@documents.command("cancel")
def cancel_document(context: typer.Context, document: str) -> None:
    """Stop the ingestion of a document."""
    _act(context, "POST", f"/api/documents/{_id(document, 'document')}/cancel")


@documents.command("delete")
def delete_document(context: typer.Context, document: str) -> None:
    """Delete a document and all that was derived from it."""
    _act(context, "DELETE", f"/api/documents/{_id(document, 'document')}")


def _id(given: str, kind: str) -> str:
    """Return an id as it came; raises Failed for a text that is none, which could lead to another address."""
    if not _ID.fullmatch(given):
        raise Failed(f"There is no {kind} {given!r}; `assistant {kind}s list` shows their ids.")
    return given


def _act(context: typer.Context, method: str, path: str) -> None:
    with connect(settings_of(context)) as client:
        call(client, method, path)


def _named(entries: list[dict[str, Any]], name: str, kind: str) -> dict[str, Any]:
    for entry in entries:
        if name in (entry["name"], entry["id"]):
            return entry
    raise Failed(f"There is no {kind} {name!r}; `assistant {kind}s list` shows them.")
