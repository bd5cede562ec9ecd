from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.models.errors import ModelRefused
from assistant.models.vllm import body as bodies

MODELS = frozenset({"base", "finance"})
SERVED = bodies.Served("base", MODELS, 4096)
PLAIN = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]}
KNOWN = {
    "model", "messages", "max_tokens", "n", "stream", "stream_options", "temperature", "top_p", "min_p", "top_k",
    "seed", "stop", "response_format", "cache_salt", "tools", "logprobs", "top_logprobs", "continue_final_message",
    "add_generation_prompt",
}  # fmt: skip
# Fields of vLLM that have killed servers, opened files or changed how requests are scheduled.
DANGEROUS = {
    "n": 10**9, "best_of": 10**6, "logprobs": 10**6, "prompt_logprobs": 10**6, "priority": -(10**9),
    "structured_outputs": {"grammar": "x"}, "guided_grammar": "x", "vllm_xargs": {"a": 1},
    "kv_transfer_params": {"host": "x"}, "mm_processor_kwargs": {"a": 1}, "chat_template": "{{ 1 }}",
    "chat_template_kwargs": {"a": 1}, "add_special_tokens": True, "ignore_eos": True, "min_tokens": 10**9,
    "logits_processors": ["os.system"], "request_id": "../../x", "prompt_embeds": "AAAA", "bad_words": ["x"] * 10,
    "truncate_prompt_tokens": -1, "allowed_token_ids": [1], "return_token_ids": True, "lora_path": "/etc",
    "documents": [{"a": "b"}], "data_parallel_rank": 7, "cache_salt_2": "x", "stream_options": {"a": 1},
}  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def refused(**changes: Any) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        bodies.chat(PLAIN | changes, SERVED)
    return caught.value


def test_it_drops_every_field_that_it_does_not_know() -> None:
    made = bodies.chat(PLAIN | DANGEROUS, SERVED)
    assert set(made) <= KNOWN
    assert made["n"] == 1 and "stream_options" not in made


@pytest.mark.parametrize("field", sorted(DANGEROUS))
def test_it_lets_no_dangerous_field_through(field: str) -> None:
    made = bodies.chat(PLAIN | {field: DANGEROUS[field], "stream": True}, SERVED)
    assert field not in set(made) - {"n", "stream_options"}
    assert made["stream_options"] == {"include_usage": True}


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(KNOWN | set(DANGEROUS))), json_values, max_size=8))
def test_whatever_comes_it_refuses_or_makes_a_body_within_range(given_body: dict[str, Any]) -> None:
    try:
        made = bodies.chat(PLAIN | given_body, SERVED)
    except ModelRefused:
        return
    json.dumps(made, allow_nan=False)
    assert set(made) <= KNOWN and made["model"] in MODELS and made["n"] == 1
    assert 1 <= made["max_tokens"] <= bodies.MAX_TOKENS
    assert 0 <= made.get("temperature", 0) <= 2 and 0 < made.get("top_p", 1) <= 1


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("max_tokens", 10**12, 4096),
        ("max_tokens", -5, 1),
        ("temperature", 99, 2.0),
        ("top_p", 0, 0.001),
        ("top_k", 10**9, 1000),
        ("min_p", 5.0, 0.99),
        ("seed", 2**70, 2**31 - 1),
    ],
)
def test_it_clamps_numbers(field: str, value: float, kept: float) -> None:
    assert bodies.chat(PLAIN | {field: value}, SERVED)[field] == kept


@pytest.mark.parametrize("value", [math.nan, math.inf, "1", True, [1]])
def test_it_refuses_what_is_no_number(value: object) -> None:
    assert "number" in str(refused(temperature=value))


def test_it_tells_at_most_twenty_probabilities_and_goes_on_with_what_the_assistant_began() -> None:
    begun = [*PLAIN["messages"], {"role": "assistant", "content": "Par"}]
    asked = {**PLAIN, "messages": begun, "logprobs": True, "top_logprobs": 10**6, "continue_final_message": True}
    made = bodies.chat(asked, SERVED)
    assert made["logprobs"] is True and made["top_logprobs"] == 20
    assert made["continue_final_message"] is True and made["add_generation_prompt"] is False
    assert "top_logprobs" not in bodies.chat(PLAIN | {"top_logprobs": 5}, SERVED), "vLLM wants both or none"
    assert "assistant" in str(refused(continue_final_message=True))


def test_it_refuses_a_model_that_is_not_served() -> None:
    assert refused(model="../../etc/passwd").code == "model_not_found"
    assert refused(model=None).code == "model_not_found"
    assert bodies.chat({"messages": PLAIN["messages"]}, SERVED)["model"] == "base"


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        "hi",
        [{}],
        [{"role": "root", "content": "x"}],
        [{"role": "user", "content": {"image_url": "file:///"}}],
    ],
)
def test_it_refuses_messages_that_are_none(messages: object) -> None:
    refused(messages=messages)


def test_it_refuses_a_schema_that_is_too_deep_or_too_large() -> None:
    deep: dict[str, Any] = {}
    for _ in range(40):
        deep = {"properties": deep}
    for schema in (deep, {"enum": ["x" * 30_000]}):
        refused(response_format={"type": "json_schema", "json_schema": {"schema": schema}})


def test_it_passes_a_salt_that_looks_like_one_and_nothing_else() -> None:
    assert bodies.chat(PLAIN | {"cache_salt": "scope:1f"}, SERVED)["cache_salt"] == "scope:1f"
    for salt in ("a b", "x" * 1000, 5, ["x"], "\x00"):
        assert "cache_salt" not in bodies.chat(PLAIN | {"cache_salt": salt}, SERVED)


def test_it_passes_pictures_as_data_and_never_an_address() -> None:
    def asked(url: str) -> dict[str, Any]:
        parts = [{"type": "text", "text": "What?"}, {"type": "image_url", "image_url": {"url": url, "uuid": "x"}}]
        return {"messages": [{"role": "user", "content": parts}]}

    made = bodies.chat(asked("data:image/png;base64,iVBORw0KGgo="), SERVED)
    assert made["messages"][0]["content"][1] == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="},
    }
    for url in (
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "data:text/html;base64,AAAA",
        "data:image/png;base64,",
    ):
        with pytest.raises(ModelRefused, match="data URL"):
            bodies.chat(asked(url), SERVED)


def test_what_a_server_that_guesses_cannot_take_is_left_out_and_told() -> None:
    asked = PLAIN | {"min_p": 0.05, "top_k": 5, "top_p": 0.5}
    for guesses, on_processor, lost in (
        (False, True, ()),
        (True, False, ("min_p",)),
        (True, True, ("min_p", "top_k")),
    ):
        served = replace(SERVED, spared=bodies.spared(guesses, on_processor))
        made = bodies.chat(asked, served)
        assert {"min_p", "top_k"} - set(made) == set(lost) and made["top_p"] == 0.5
        assert bodies.not_taken(asked, served) == lost
        assert bodies.not_taken(PLAIN | {"min_p": 0, "top_k": 0}, served) == ()
