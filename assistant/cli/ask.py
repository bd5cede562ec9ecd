"""`assistant ask` and `assistant search`: a question, or only the passages, from the command line."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.padding import Padding
from rich.text import Text

from assistant.cli import sampling
from assistant.cli.options import AsUser, CollectionNames, JsonFlag, settings_of
from assistant.cli.output import Failed, err, out, show_answer, show_json
from assistant.cli.passage_tables import readable
from assistant.cli.session import call, connect, sentence
from assistant.server_file import running_server

# A server that was started for one search opens its indexes meanwhile: well below a second where it was stopped in good
# order, some seconds for each 100,000 passages after a crash. Made anew, they take longer than anybody waits.
OPENING_S = 10.0
SHOWN = 300  # characters of each passage that a search found
_INDENT = "   "
_AGAIN_S = 0.2


def ask(
    context: typer.Context,
    question: Annotated[
        str, typer.Argument(help="What you want to know; /NAME before it asks with that prompt, / alone lists them.")
    ],
    collection: CollectionNames = None,
    history: Annotated[
        Path | None, typer.Option(help="A JSON file with earlier messages: [{role, content}, ...].")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="Where to save a picture that was asked for.")] = None,
    preset: sampling.Preset = None,
    temperature: sampling.Temperature = None,
    top_p: sampling.TopP = None,
    top_k: sampling.TopK = None,
    min_p: sampling.MinP = None,
    seed: sampling.Seed = None,
    max_tokens: sampling.MaxTokens = None,
    stop: sampling.Stop = None,
    schema: sampling.Schema = None,
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Answer a question from the documents, with checked citations."""
    messages = [*_earlier(history), {"role": "user", "content": question}]
    numbers = {"temperature": temperature, "top_p": top_p, "top_k": top_k, "min_p": min_p, "seed": seed}
    body = {
        **sampling.fields(numbers | {"max_tokens": max_tokens}, stop, schema),
        "model": "assistant",
        "messages": messages,
        "assistant": {"collections": collection or None, "preset": preset},
    }
    with connect(settings_of(context), as_user=as_user, with_model=True) as client:
        reply = call(client, "POST", "/v1/chat/completions", json=body)
        drawn = [each["id"] for each in reply["assistant"].get("pictures", [])]
        saved = _save(client, drawn[0], picture) if drawn and picture is not None else False
    answer = shape(reply)
    if as_json:
        show_json(answer)
        return
    show_answer(answer["answer"])
    if saved:
        out.print(f"Saved as {picture}.", markup=False, highlight=False)
    elif drawn:
        out.print("Ask with --picture FILE to save it.", style="dim", markup=False, highlight=False)
    for citation in answer["citations"]:
        place = f", page {citation['page']}" if citation.get("page") else ""
        out.print(f"  [{citation['n']}] {citation['title']}{place}", style="dim", markup=False, highlight=False)
    if reply["assistant"]["notice"]:
        err.print(reply["assistant"]["notice"], style="yellow", markup=False)
    if answer["degraded"]:
        out.print("No language model could answer; these are the best passages.", style="yellow")


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    collection: CollectionNames = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many passages at most.")] = 8,
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Show the passages closest to a query, with the score of each search stage."""
    body = {"query": query, "collections": collection or None, "limit": limit}
    settings = settings_of(context)
    patience_s = 0.0 if running_server(settings.data_dir) else OPENING_S
    with connect(settings, as_user=as_user) as client:
        found = looked_up(client, body, patience_s)
    if found["notice"]:
        err.print(found["notice"], style="yellow", markup=False)
    if as_json:
        show_json({"results": found["results"]})
        return
    if not found["results"]:
        out.print("Nothing found. Ingest documents first: assistant ingest FOLDER --collection NAME")
    for n, hit in enumerate(found["results"], start=1):
        scores = ", ".join(f"{name} {value:.3f}" for name, value in hit["scores"].items() if value is not None)
        page = f", page {hit['page']}" if hit.get("page") else ""
        out.print(
            f"{n}. {hit['title']}{page}  {hit['score']:.3f} ({scores})", style="bold", markup=False, highlight=False
        )
        passage = readable(shortened(hit["text"]), out.width - len(_INDENT))
        out.print(Padding(Text(passage), (0, 0, 0, len(_INDENT)), expand=False))


def looked_up(client: httpx.Client, body: dict[str, Any], patience_s: float) -> Any:
    """Return what a search finds; for up to `patience_s` it is asked again while a stage cannot look yet."""
    until = time.monotonic() + patience_s
    found = call(client, "POST", "/api/search", json=body)
    while found["notice"] and time.monotonic() < until:
        time.sleep(_AGAIN_S)
        found = call(client, "POST", "/api/search", json=body)
    return found


def shortened(text: str) -> str:
    """Return the beginning of a passage, to the end of a line or a word."""
    if len(text) <= SHOWN:
        return text
    kept = text[:SHOWN]
    return (kept[: max(kept.rfind("\n"), kept.rfind(" "))] if kept.split()[1:] else kept) + " …"


def shape(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the documented shape of `ask --json` from a chat completion of our API."""
    extra, choice, usage = reply["assistant"], reply["choices"][0], reply.get("usage") or {}
    kept = ("citations", "abstained", "grounded", "degraded", "route", "steps", "timings_ms")
    made = {"pictures": extra["pictures"]} if extra.get("pictures") else {}
    return {"answer": choice["message"]["content"], **{name: extra[name] for name in kept}, **made, "usage": usage}


def _save(client: httpx.Client, identifier: str, path: Path) -> bool:
    reply = client.get(f"/api/pictures/{identifier}")
    if not reply.is_success:
        raise Failed(sentence(reply))
    try:
        path.write_bytes(reply.content)
    except OSError as error:
        raise Failed(f"The picture cannot be saved as {path}: {error.strerror}.") from error
    return True


def _earlier(path: Path | None) -> list[dict[str, str]]:
    if path is None:
        return []
    try:
        messages = json.loads(path.read_text("utf-8"))
        return [{"role": str(message["role"]), "content": str(message["content"])} for message in messages]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Failed(f"{path} is not a JSON list of messages with role and content ({error}).") from error
