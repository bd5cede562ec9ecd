"""`assistant widgets`: what the Widgets page manages, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Chats that other web sites embed.")

Named = Annotated[str, typer.Argument(help="Name or id of a widget.", metavar="WIDGET")]
ProfileFile = Annotated[
    Path | None, typer.Option(help="JSON file with parts of the profile; docs/widget.md lists them.", exists=True)
]
Origins = Annotated[
    list[str] | None, typer.Option(help="A site that may embed it, e.g. https://www.example.com; may be repeated.")
]


@app.command("list")
def list_widgets(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List widgets with what they used today."""
    with connect(settings_of(context)) as client:
        found = call(client, "GET", "/api/widgets")
    if as_json:
        show_json(found)
        return
    rows = [
        [one["id"], one["name"], "on" if one["enabled"] else "off", ", ".join(one["profile"]["origins"]),
         one["today"]["messages"]] for one in found["widgets"]
    ]  # fmt: skip
    show_table("Widgets", ["id", "name", "state", "origins", "messages today"], rows)


@app.command("add")
def add(
    context: typer.Context, name: str, origin: Origins = None, profile: ProfileFile = None, as_json: JsonFlag = False
) -> None:
    """Make a widget; it is switched off until `widgets on`."""
    body = {"name": name, "profile": _profile(profile, origin)}
    with connect(settings_of(context)) as client:
        _tell(call(client, "POST", "/api/widgets", json=body), as_json)


@app.command("show")
def show(context: typer.Context, widget: Named, as_json: JsonFlag = False) -> None:
    """Show a widget with its profile and the tag for the page."""
    with connect(settings_of(context)) as client:
        found = _found(client, widget)
    _tell(found, as_json)
    if not as_json:
        show_json(found["profile"])


@app.command("set")
def change(
    context: typer.Context,
    widget: Named,
    origin: Origins = None,
    profile: ProfileFile = None,
    as_json: JsonFlag = False,
) -> None:
    """Replace the origins, or the parts of the profile that a file names."""
    with connect(settings_of(context)) as client:
        _tell(_patched(client, widget, {"profile": _profile(profile, origin)}), as_json)


@app.command("on")
def switch_on(context: typer.Context, widget: Named, as_json: JsonFlag = False) -> None:
    """Let visitors in."""
    with connect(settings_of(context)) as client:
        _tell(_patched(client, widget, {"enabled": True}), as_json)


@app.command("off")
def switch_off(context: typer.Context, widget: Named, as_json: JsonFlag = False) -> None:
    """End every visit at once and let nobody in."""
    with connect(settings_of(context)) as client:
        _tell(_patched(client, widget, {"enabled": False}), as_json)


@app.command("delete")
def delete(
    context: typer.Context, widget: Named, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete a widget with its keys and all that its visitors said."""
    with connect(settings_of(context)) as client:
        found = _found(client, widget)
        if not yes:
            typer.confirm(f"Delete {found['name']!r} with all its transcripts?", abort=True)
        call(client, "DELETE", f"/api/widgets/{found['id']}")


@app.command("rotate")
def rotate(context: typer.Context, widget: Named, as_json: JsonFlag = False) -> None:
    """Make a new signing key and print its secret, once; the key before it stays good until the next time."""
    with connect(settings_of(context)) as client:
        made = call(client, "POST", f"/api/widgets/{_found(client, widget)['id']}/keys")
    if as_json:
        show_json(made)
    else:
        out.print(made["secret"], markup=False, highlight=False, soft_wrap=True)


@app.command("retire")
def retire(context: typer.Context, widget: Named, key: Annotated[str, typer.Argument(help="Id of the key.")]) -> None:
    """Make a signing key useless at once."""
    with connect(settings_of(context)) as client:
        call(client, "DELETE", f"/api/widgets/{_found(client, widget)['id']}/keys/{key}")


@app.command("transcripts")
def transcripts(
    context: typer.Context,
    widget: Named,
    conversation: Annotated[str | None, typer.Argument(help="Id of one conversation, to read it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: JsonFlag = False,
) -> None:
    """List what visitors said, or read one conversation."""
    with connect(settings_of(context)) as client:
        path = f"/api/widgets/{_found(client, widget)['id']}/transcripts"
        if conversation:
            found = call(client, "GET", f"{path}/{conversation}")
        else:
            found = call(client, "GET", path, params={"limit": limit})
    if as_json:
        show_json(found)
    elif conversation:
        for turn in found["turns"]:
            answer = turn["answer"]["text"] if turn["answer"] else "(no answer)"
            out.print(f"> {turn['question']}\n{answer}\n", markup=False, highlight=False)
    else:
        columns = ["conversation_id", "title", "visitor", "turns", "rated_down", "handed_over"]
        show_table("Transcripts", columns, [[one[name] for name in columns] for one in found["transcripts"]])


@app.command("forget")
def forget(
    context: typer.Context,
    widget: Named,
    conversation: Annotated[str, typer.Argument(help="Id of a conversation, as `widgets transcripts` lists it.")],
) -> None:
    """Delete one conversation of a visitor for good, with its attachments."""
    with connect(settings_of(context)) as client:
        call(client, "DELETE", f"/api/widgets/{_found(client, widget)['id']}/transcripts/{conversation}")


@app.command("hand-overs")
def hand_overs(
    context: typer.Context,
    widget: Named,
    send: Annotated[str | None, typer.Option(help="Id of a request to send again.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List visitors' requests for a person, or send one again."""
    with connect(settings_of(context)) as client:
        path = f"/api/widgets/{_found(client, widget)['id']}/hand-overs"
        found = call(client, "POST", f"{path}/{send}/send") if send else call(client, "GET", path)
    if as_json:
        show_json(found)
        return
    columns = ["id", "contact", "status", "detail", "conversation_id"]
    listed = [found] if send else found["hand_overs"]
    show_table("Hand-overs", columns, [[one[name] for name in columns] for one in listed])


def _profile(file: Path | None, origins: list[str] | None) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8")) if file else {}
    except ValueError as error:
        raise Failed(f"{file} is no JSON ({error}); correct it.") from error
    if not isinstance(found, dict):
        raise Failed(f"{file} holds no JSON object; write the parts of the profile by name.")
    return found | ({"origins": origins} if origins is not None else {})


def _found(client: httpx.Client, name: str) -> dict[str, Any]:
    for one in call(client, "GET", "/api/widgets")["widgets"]:
        if name in (one["id"], one["name"]):
            return dict(one)
    raise Failed(f"There is no widget {name!r}; `assistant widgets list` shows them.")


def _patched(client: httpx.Client, name: str, body: dict[str, Any]) -> dict[str, Any]:
    return dict(call(client, "PATCH", f"/api/widgets/{_found(client, name)['id']}", json=body))


def _tell(widget: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(widget)
        return
    out.print(f"{widget['name']} ({widget['id']}) is {'on' if widget['enabled'] else 'off'}.", markup=False)
    out.print(widget["snippet"], markup=False, highlight=False, soft_wrap=True)
