"""`assistant search` where a server is started for it: both indexes answer once they are open."""

from __future__ import annotations

import httpx

from assistant.cli.ask import looked_up

NOTICE = "The keyword index is being made anew; only similar passages were looked for."


def server(*notices: str | None) -> tuple[httpx.Client, list[httpx.Request]]:
    """A server that gives these notices in turn, the last for ever."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"results": [], "notice": notices[min(len(asked), len(notices)) - 1]})

    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://test"), asked


def test_it_asks_again_until_each_stage_could_look() -> None:
    client, asked = server(NOTICE, NOTICE, None)
    assert looked_up(client, {"query": "x"}, patience_s=60)["notice"] is None and len(asked) == 3


def test_it_leaves_the_notice_where_that_takes_too_long() -> None:
    client, asked = server(NOTICE)
    assert looked_up(client, {"query": "x"}, patience_s=0.3)["notice"] == NOTICE and len(asked) > 1


def test_it_asks_a_server_that_runs_once() -> None:
    client, asked = server(NOTICE)
    assert looked_up(client, {"query": "x"}, patience_s=0)["notice"] == NOTICE and len(asked) == 1
