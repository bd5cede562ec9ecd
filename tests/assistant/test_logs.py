"""Logs: one line per event, whatever is in the values, and nothing secret."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from assistant import logs


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    handlers, level, configured = logging.getLogger().handlers[:], logging.getLogger().level, structlog.get_config()

    def read() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield read
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)
    # Never structlog's defaults: they print to stdout, into the results of commands that later tests run.
    structlog.configure(**configured)


def test_each_event_is_one_line_of_json(lines) -> None:  # type: ignore[no-untyped-def]
    logs.configure("info")
    logs.log("api").info("request", route="/api/me", ms=3)
    (entry,) = lines()
    assert (entry["event"], entry["route"], entry["ms"], entry["level"]) == ("request", "/api/me", 3, "info")


def test_a_value_cannot_forge_a_line(lines) -> None:  # type: ignore[no-untyped-def]
    logs.configure("info")
    forged = 'x"}\n{"event": "admin signed in", "level": "info"}\r\n\x1b[31m'
    logs.log("api").warning("odd", value=forged)
    logging.getLogger("library").warning("odd %s", forged)
    found = lines()
    assert len(found) == 2 and found[0]["value"] == forged and "admin" in str(found[1]["event"])


def test_secrets_are_blanked_wherever_they_are(lines) -> None:  # type: ignore[no-untyped-def]
    logs.configure("info")
    token = "key_" + "A" * 43
    logs.log("api").info("odd", password="p", Authorization="Bearer x", api_key="k", text=f"sent {token} along")
    try:
        raise ValueError(f"cannot use {token}")
    except ValueError:
        logs.log("api").error("failed", exc_info=True)
    logging.getLogger("library").error("got %s", token)
    text = json.dumps(lines())
    assert token not in text and '"p"' not in text and "Bearer x" not in text and "[hidden]" in text


def test_lines_below_the_level_are_not_written(lines) -> None:  # type: ignore[no-untyped-def]
    logs.configure("info")
    logs.log("api").debug("noise")
    assert lines() == []
