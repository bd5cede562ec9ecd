"""The client against the fake server: how faults of a server become errors of ours."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

import pytest

from assistant.models.errors import ModelOverloaded, ModelRefused, ModelUnavailable
from assistant.models.fake_script import Fault
from assistant.models.fake_server import FakeServer
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, PLAIN, VLLM, Dialect
from assistant.models.types import ModelRequest, Sampling
from assistant.orchestration.prompts import Message

Ask = Callable[..., ModelRequest]
Connect = Callable[..., OpenAIModel]


async def text_of(model: OpenAIModel, request: ModelRequest) -> str:
    return "".join([piece.text async for piece in model.stream(request)])


async def test_it_streams_a_reply_with_usage(server: FakeServer, connect: Connect, ask: Ask) -> None:
    pieces = [piece async for piece in connect(server.url).stream(ask())]
    assert "".join(piece.text for piece in pieces) == "".join(server.script.words())
    assert pieces[-1].stopped_by == "stop"
    assert pieces[-1].usage is not None and pieces[-1].usage.output_tokens == 60


async def test_it_sends_only_fields_that_it_knows_every_number_clamped(
    server: FakeServer, connect: Connect, ask: Ask
) -> None:
    request = ask(max_tokens=10**9, temperature=9.0, top_p=-1.0, top_k=10**6, min_p=5.0, seed=-4, stop=("a",) * 40)
    await text_of(connect(server.url), request)
    body = server.bodies[-1]
    assert set(body) <= {
        "messages", "max_tokens", "temperature", "top_p", "stream", "stream_options",
        "model", "seed", "stop", "top_k", "min_p",
    }  # fmt: skip
    assert (body["max_tokens"], body["temperature"], body["top_k"], body["seed"]) == (8192, 2.0, 1000, 0)
    assert 0 < body["top_p"] <= 1 and body["min_p"] < 1 and len(body["stop"]) == 16


async def test_it_keeps_vllm_fields_from_plain_servers(server: FakeServer, connect: Connect) -> None:
    request = ModelRequest((Message("user", "x"),), Sampling(top_k=5, min_p=0.1), cache_salt="alice")
    await text_of(connect(server.url, dialect=PLAIN), request)
    assert not {"top_k", "min_p", "cache_salt"} & set(server.bodies[-1])
    await text_of(connect(server.url), request)
    assert server.bodies[-1]["cache_salt"] == "alice"


async def test_it_says_what_a_plain_server_does_not_take_of_what_somebody_set(
    server: FakeServer, connect: Connect
) -> None:
    async def unmet(by_hand: set[str], dialect: Dialect = PLAIN) -> list[str]:
        sampling = Sampling(top_k=5, min_p=0.1, by_hand=frozenset(by_hand))
        request = ModelRequest((Message("user", "x"),), sampling)
        return [piece.unmet async for piece in connect(server.url, dialect=dialect).stream(request) if piece.unmet]

    assert await unmet({"top_k", "min_p"}) == ["tall takes no top-k and no min-p, so they change nothing."]
    assert await unmet({"top_k"}) == ["tall takes no top-k, so it changes nothing."]
    assert await unmet(set()) == await unmet({"top_k", "min_p"}, VLLM) == []  # a preset has them, too


async def test_it_tells_the_task_to_our_own_engine_and_to_nobody_else(server: FakeServer, connect: Connect) -> None:
    request = ModelRequest((Message("user", "x"),), task="grounded_answer" * 10)
    for dialect in (PLAIN, VLLM):
        await text_of(connect(server.url, dialect=dialect), request)
        assert "grounded_answer" not in json.dumps(server.bodies[-1])
    await text_of(connect(server.url, dialect=LOCAL), request)
    assert server.bodies[-1]["task"] == ("grounded_answer" * 10)[:64]


async def test_it_refuses_tools_where_the_server_has_none(server: FakeServer, connect: Connect) -> None:
    request = ModelRequest((Message("user", "x"),), tools=({"type": "function", "function": {"name": "f"}},))
    with pytest.raises(ModelRefused, match="cannot call tools"):
        await text_of(connect(server.url, dialect=LOCAL), request)
    assert server.begun == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("refuse"), ModelUnavailable),
        (Fault("reset", after=3), ModelUnavailable),
        (Fault("die", after=0), ModelUnavailable),
        (Fault("die", after=59), ModelUnavailable),
        (Fault("no_done"), ModelUnavailable),
        (Fault("status", status=503), ModelOverloaded),
        (Fault("status", status=429), ModelOverloaded),
        (Fault("status", status=500), ModelUnavailable),
        (Fault("status", status=401), ModelUnavailable),
        (Fault("status", status=404), ModelUnavailable),
        (Fault("status", status=302), ModelUnavailable),
        (Fault("status", status=400), ModelRefused),
        (Fault("status", status=422), ModelRefused),
    ],
    ids=lambda value: f"{value.kind}-{value.after}-{value.status}" if isinstance(value, Fault) else "",
)
async def test_it_translates_every_fault(
    fault: Fault, error: type[Exception], server: FakeServer, connect: Connect, ask: Ask
) -> None:
    server.script.faults.append(fault)
    with pytest.raises(error):
        await text_of(connect(server.url), ask())


async def test_it_tells_how_long_to_wait_when_the_server_is_full(
    server: FakeServer, connect: Connect, ask: Ask
) -> None:
    server.script.faults.append(Fault("status", status=429))
    with pytest.raises(ModelOverloaded) as caught:
        await text_of(connect(server.url), ask())
    assert caught.value.retry_after_s == 1.0


async def test_it_skips_a_malformed_line(server: FakeServer, connect: Connect, ask: Ask) -> None:
    server.script.faults.append(Fault("malformed", after=10))
    model = connect(server.url)
    assert await text_of(model, ask()) == "".join(server.script.words())
    assert model.malformed_lines == 1


@pytest.mark.parametrize("fault", [Fault("stall", after=20), Fault("zombie"), Fault("slow_start", seconds=200)])
async def test_it_does_not_wait_for_a_silent_server(
    fault: Fault, server: FakeServer, connect: Connect, ask: Ask
) -> None:
    server.script.faults.append(fault)
    model = connect(server.url, timeouts=Timeouts(first_token_s=0.4, inter_token_s=0.3))
    started = time.monotonic()
    with pytest.raises(ModelUnavailable):
        await text_of(model, ask())
    assert time.monotonic() - started < 60


async def test_it_says_that_nobody_is_there(connect: Connect, ask: Ask) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        await text_of(connect("http://127.0.0.1:9/v1"), ask())


async def test_it_aborts_at_the_server_when_the_reader_leaves(server: FakeServer, connect: Connect, ask: Ask) -> None:
    server.script.rate, server.script.tokens = 50, 1000
    stream = connect(server.url).stream(ask(max_tokens=1000))
    assert (await anext(stream)).text
    await stream.aclose()
    async with asyncio.timeout(15):  # of the 20 s that the answer would take
        while server.open_streams:
            await asyncio.sleep(0.01)
    assert server.aborted == 1


async def test_it_follows_an_engine_that_moves(server: FakeServer, ask: Ask) -> None:
    places = [Endpoint("http://127.0.0.1:9/v1"), Endpoint(server.url)]
    model = OpenAIModel("tall", lambda: places[0], 8192, Timeouts())
    with pytest.raises(ModelUnavailable):
        await text_of(model, ask())
    places.pop(0)
    assert await text_of(model, ask())
    await model.close()


async def test_it_counts_tokens_at_the_server_or_bounds_them(server: FakeServer, connect: Connect) -> None:
    messages = (Message("user", "one two three"),)
    assert await connect(server.url).count_tokens(messages) == 5
    assert await connect(server.url, dialect=PLAIN).count_tokens(messages) >= 5


async def test_it_never_shows_its_key() -> None:
    model = OpenAIModel("tall", fixed(Endpoint("http://127.0.0.1:9/v1", "secret-key")), 8192, Timeouts())
    with pytest.raises(ModelUnavailable) as caught:
        await text_of(model, ModelRequest((Message("user", "x"),)))
    assert "secret-key" not in f"{caught.value!r} {Endpoint('u', 'secret-key')!r}"
    await model.close()


async def test_a_connection_idle_for_as_long_as_servers_keep_one_takes_no_question(
    server: FakeServer, connect: Connect
) -> None:
    model, messages = connect(server.url), (Message("user", "one two three"),)
    for _ in range(2):
        await model.count_tokens(messages)
    assert server.connections == 1
    await asyncio.sleep(4.8)  # uvicorn closes it after 5 s
    await model.count_tokens(messages)
    assert server.connections == 2


async def test_the_next_chat_takes_the_connection_of_one_whose_body_ended_behind_its_last_event(
    connect: Connect, ask: Ask
) -> None:
    connections, last_seen = 0, asyncio.Event()
    said = b'data: {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while asked := await reader.read(100_000):
            if b'"messages"' not in asked:  # the head alone: the body follows
                continue
            writer.write(head + b"%x\r\n%b\r\n" % (len(said), said))
            await last_seen.wait()
            writer.write(b"0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        model = connect(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        for _ in range(3):
            last_seen.clear()
            async for piece in model.stream(ask()):
                if piece.stopped_by:
                    last_seen.set()
        await model.close()
    assert connections == 1
