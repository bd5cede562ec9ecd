"""What may be said about an OpenAPI document or an MCP server that is added: fields in place of an entry's YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Literal

import streamlit as st

from ui import state

Kind = Literal["openapi", "mcp"]

SIGNING = {
    "": "Not at all",
    "api_key": "API key",
    "bearer": "Bearer token",
    "basic": "User name and password",
    "client_credentials": "OAuth 2 client",
    "user": "The person's own token",
}
VERBS = ("get", "head", "options", "post", "put", "patch", "delete")
_LISTS = {
    "reads": ("Tools that change nothing (the others ask first)", "search, read_page"),
    "long": ("Tools whose calls may take minutes", "export_report"),
    "only": ("Offer these alone", "names with commas between them; empty: all"),
}
_SIGNS = {  # the fields of each kind of auth besides its secret, with what they may hold
    "api_key": {"name": ("Name of the header or parameter", "X-API-Key")},
    "basic": {"user": ("User name", "assistant")},
    "client_credentials": {
        "token_url": ("Address of the tokens", "https://login.example/token"),
        "client_id": ("Client id", "assistant"),
        "scope": ("Scope (optional)", "read"),
    },
    "user": {"audience": ("Audience of the token", "shop")},
}
_RARE = "Other options of an entry, as a JSON object"
_COMMAS = re.compile(r"[\s,]+")


class OptionsUnusable(ValueError):
    """What was filled in cannot be used; the message says why to the person."""


def signing(kind: Kind) -> str:
    """Show how calls are signed, before the form, which it shapes; return the kind of auth, "" for none."""
    # A connection to an MCP server is shared, so it has no person whose token could sign it.
    offered = [one for one in SIGNING if kind == "openapi" or one != "user"]
    return st.selectbox("How its calls are signed", offered, format_func=SIGNING.__getitem__, key=f"sign-{kind}") or ""


def show(kind: Kind, auth: str) -> dict[str, object]:
    """Show the fields within a form, those of the kind of `auth` included, and return what they hold."""
    given: dict[str, object] = {f"auth.{name}": _line(*said) for name, said in _SIGNS.get(auth, {}).items()}
    if auth == "api_key":
        given["auth.where"] = st.selectbox("The key goes into", ("header", "query"))
    if auth not in ("", "user"):
        given["auth.secret"] = st.selectbox(
            "Secret", state.api().skill_secrets(), index=None, accept_new_options=True, placeholder="Choose or name one"
        )
        given["value"] = st.text_input(
            "Its value", type="password", autocomplete="off", placeholder="Empty where it is stored already"
        )
    with st.expander("Which of its skills, and how"):
        if kind == "openapi":
            given["verbs"] = st.multiselect("Methods that may be used", VERBS, placeholder="get alone")
        else:
            given |= {name: _line(*_LISTS[name]) for name in ("reads", "long")}
            given["trust_hints"] = st.checkbox("Believe the server on which tools change nothing")
        given["only"] = _line(*_LISTS["only"])
        given["prefix"] = _line("Put before each name", "shop_")
        given["rare"] = st.text_area(_RARE, placeholder='{"readers": ["group:sales"]}', max_chars=5_000, height=68)
    return given


def options(given: Mapping[str, object], auth: str) -> dict[str, object]:
    """Return the options of an entry that the fields say; empty where all were left as they are.

    Raises OptionsUnusable with one sentence.
    """
    found: dict[str, object] = {}
    for name in ("reads", "long", "only"):
        if names := [one for one in _COMMAS.split(_text(given.get(name))) if one]:
            found[name] = names
    if given.get("verbs"):
        found["verbs"] = given["verbs"]
    if prefix := _text(given.get("prefix")):
        found["prefix"] = prefix
    if given.get("trust_hints"):
        found["trust_hints"] = True
    if auth:
        found["auth"] = _auth(given, auth)
    return found | _rare(_text(given.get("rare")))


def keep_secret(given: Mapping[str, object]) -> None:
    """Store the value of the secret that was typed along, if any."""
    if value := str(given.get("value") or ""):
        state.api().put_skill_secret(_text(given.get("auth.secret")), value)


def _auth(given: Mapping[str, object], auth: str) -> dict[str, object]:
    said = {name.removeprefix("auth."): _text(held) for name, held in given.items() if name.startswith("auth.")}
    may_be_empty = {"scope"} | ({"name"} if auth == "api_key" else set())
    for name, held in said.items():
        if not held and name not in may_be_empty:
            label = "Secret" if name == "secret" else _SIGNS[auth][name][0]
            raise OptionsUnusable(f"Fill in “{label}”: calls cannot be signed without it.")
    return {"kind": auth, **{name: held for name, held in said.items() if held}}


def _rare(text: str) -> dict[str, object]:
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OptionsUnusable('Other options have to be a JSON object, such as {"readers": ["group:sales"]}.')
    return found


def _line(label: str, like: str) -> str:
    return st.text_input(label, placeholder=like, max_chars=2_000) or ""


def _text(held: object) -> str:
    return held.strip() if isinstance(held, str) else ""
