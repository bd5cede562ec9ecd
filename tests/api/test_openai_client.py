"""The official `openai` package, unchanged, against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pydantic
import pytest

from assistant.people import credentials, users

from .conftest import World
from .scripted import UNKNOWN


@pytest.fixture
def client(world: World, address: str) -> Iterator[openai.OpenAI]:
    _, key = credentials.add_key(world.app.engine, world.app.secrets, world.ben.id, "script")
    with openai.OpenAI(base_url=f"{address}/v1", api_key=key, max_retries=0, timeout=20) as made:
        yield made


def test_it_chats(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": "hello"}])
    assert reply.choices[0].message.content == "word0 word1 word2 word3 word4 [1]"
    assert reply.choices[0].finish_reason == "stop" and reply.usage is not None
    assert reply.model_extra is not None and reply.model_extra["assistant"]["citations"][0]["title"] == "Handbook"


def test_it_streams(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="assistant",
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == "word0 word1 word2 word3 word4 [1]"
    assert chunks[-1].usage is not None and chunks[-2].choices[0].finish_reason == "stop"
    closing = chunks[-2].model_extra
    assert closing is not None and closing["assistant"]["grounded"] is True


def test_its_streaming_helper_puts_the_answer_together(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="assistant", messages=[{"role": "user", "content": "hello"}]) as stream:
        for _ in stream:
            pass
        whole = stream.get_final_completion()
    assert whole.choices[0].message.content == "word0 word1 word2 word3 word4 [1]"


def test_it_takes_our_fields_as_extra_body(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(
            model="assistant",
            messages=[{"role": "user", "content": "x"}],
            extra_body={"assistant": {"collections": ["HR"]}},
        )
    assert refused.value.code == "not_found" and "collection" in refused.value.message


def test_it_lists_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["assistant", "local"]
    assert client.models.retrieve("local").id == "local"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


@pytest.mark.parametrize("form", [openai.omit, "float"])  # left out, the package asks for base64 and decodes it
def test_it_embeds(world: World, client: openai.OpenAI, form: openai.Omit) -> None:
    texts = ["annual leave", "expenses"]
    reply = client.embeddings.create(model="assistant-embedding", input=texts, encoding_format=form)
    for entry, vector in zip(reply.data, world.app.embedder.embed(texts), strict=True):
        assert entry.embedding == pytest.approx(vector.tolist(), abs=1e-6)
    assert len(client.embeddings.create(model="assistant-embedding", input="one text").data) == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": "gpt-5"}, openai.NotFoundError),
        ({"input": []}, openai.BadRequestError),
        ({"input": ""}, openai.BadRequestError),
        ({"input": [[1, 2, 3]]}, openai.BadRequestError),
        ({"dimensions": 7}, openai.BadRequestError),
        ({"input": ["x"] * 2_049}, openai.BadRequestError),
    ],
)
def test_it_hears_what_is_wrong_with_an_embedding_request(client: openai.OpenAI, change: dict, error: type) -> None:  # type: ignore[type-arg]
    with pytest.raises(error):
        client.embeddings.create(**{"model": "assistant-embedding", "input": "x", **change})


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"n": 2}, "n", "n: give 1 or less."),
        ({"stop": 5}, "stop", "stop: give a text."),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
            "messages.0.content.0.type",
            "messages.0.content.0.type: give 'text' or 'input_text'.",
        ),
    ],
)
def test_it_hears_which_field_is_wrong_by_its_own_name(
    client: openai.OpenAI, wrong: dict[str, Any], field: str, sentence: str
) -> None:
    asked: dict[str, Any] = {"model": "assistant", "messages": [{"role": "user", "content": "hello"}]}
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(**asked | wrong)
    assert refused.value.param == field
    assert refused.value.message.split(" (")[0].removeprefix("Error code: 400 - ").startswith(sentence)


@pytest.mark.parametrize("tokens", [[101, 102], [[101, 102], [103]]])
def test_it_hears_that_tokens_are_no_texts(client: openai.OpenAI, tokens: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="give texts, not tokens") as refused:
        client.embeddings.create(model="assistant-embedding", input=tokens)
    assert refused.value.param == "input"


def test_it_knows_our_errors_by_their_classes(world: World, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": "x"}], n=9)
    assert refused.value.param == "n"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": "crash"}])
    with pytest.raises(openai.APIError):
        list(
            client.chat.completions.create(
                model="assistant", messages=[{"role": "user", "content": "crash"}], stream=True
            )
        )
    users.change(world.app.engine, world.ben.id, active=False, min_password_chars=10)
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


async def test_the_asynchronous_client_works_too(world: World, address: str) -> None:
    _, key = credentials.add_key(world.app.engine, world.app.secrets, world.ben.id, "script")
    async with openai.AsyncOpenAI(base_url=f"{address}/v1", api_key=key) as client:
        stream = await client.chat.completions.create(
            model="assistant", messages=[{"role": "user", "content": "hello"}], stream=True
        )
        said = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(said).startswith("word0 ")


class Leave(pydantic.BaseModel):
    days: int


def test_its_parser_meets_a_refusal_where_the_documents_do_not_say(client: openai.OpenAI) -> None:
    said = client.chat.completions.parse(
        model="assistant", messages=[{"role": "user", "content": "unknown days?"}], response_format=Leave
    )
    message = said.choices[0].message
    assert (message.refusal, message.content, message.parsed) == (UNKNOWN, None, None)
    assert said.choices[0].finish_reason == "stop"
    assert said.model_extra is not None and said.model_extra["assistant"]["abstained"] is True


def test_its_streaming_parser_meets_the_refusal(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(
        model="assistant", messages=[{"role": "user", "content": "unknown days?"}], response_format=Leave
    ) as stream:
        refused = [event.delta for event in stream if event.type == "refusal.delta"]
        message = stream.get_final_completion().choices[0].message
    assert "".join(refused) == message.refusal == UNKNOWN
    assert message.parsed is None


@pytest.mark.parametrize("streams", [True, False])
def test_its_parser_reads_json_that_a_model_wrote(client: openai.OpenAI, streams: bool) -> None:
    asked: list[Any] = [{"role": "user", "content": "json days?"}]
    if streams:
        with client.chat.completions.stream(model="assistant", messages=asked, response_format=Leave) as stream:
            message = stream.get_final_completion().choices[0].message
    else:
        message = (
            client.chat.completions.parse(model="assistant", messages=asked, response_format=Leave).choices[0].message
        )
    assert message.parsed == Leave(days=30) and message.refusal is None


def test_an_abstention_is_content_where_no_form_was_asked_for(client: openai.OpenAI) -> None:
    said = client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": "unknown days?"}])
    assert (said.choices[0].message.content, said.choices[0].message.refusal) == (UNKNOWN, None)
