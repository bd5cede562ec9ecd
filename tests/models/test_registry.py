from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from assistant.models.choices import AdapterChoice, Choices
from assistant.models.decisions import read as read_table
from assistant.models.domains import Domains
from assistant.models.engines import LocalEngines
from assistant.models.errors import ModelRefused
from assistant.models.lanes import adapter_lane, lanes
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings
from assistant.models.supervise import EngineSpec
from assistant.types import Caller, Turn, TurnOptions
from knowledge.types import Scope


def turn(model: str = "assistant") -> Turn:
    scope = Scope(frozenset({"everyone"}))
    return Turn("1", "Why?", (), Caller("u", "Ann", scope), TurnOptions(model=model))


@pytest.fixture
def engines(tmp_path: Path) -> LocalEngines:
    """Engines that were never started."""
    spec = EngineSpec(tmp_path / "x.gguf", "small")
    return LocalEngines(tmp_path / "run", tmp_path / "log", lambda: spec, lambda: 0)


async def test_with_nothing_set_the_embedded_model_answers(engines: LocalEngines) -> None:
    registry = Registry(lanes(ModelSettings(), engines), engines)
    assert [(status.name, status.tier) for status in registry.status()] == [("smollm2-135m-instruct", "fallback")]
    choice = await registry.choose(turn())
    assert (choice.route.model, choice.route.tier) == ("smollm2-135m-instruct", "fallback")
    assert choice.model.context_tokens == 8192


async def test_one_setting_puts_another_model_in_its_place(engines: LocalEngines) -> None:
    by_url = Registry(lanes(ModelSettings(model="http://127.0.0.1:1/v1/", model_name="llama"), None))
    assert (await by_url.choose(turn())).route.model == "llama"
    by_file = Registry(lanes(ModelSettings(model="/models/other.gguf"), engines), engines)
    assert (await by_file.choose(turn())).route.model == "other"


async def test_a_vllm_server_is_asked_before_the_local_engine(engines: LocalEngines) -> None:
    settings = ModelSettings(vllm_url="http://gpu:8000/v1", vllm_model="big", vllm_context_tokens=32_000)
    registry = Registry(lanes(settings, engines), engines)
    assert [status.tier for status in registry.status()] == ["domain", "fallback"]
    choice = await registry.choose(turn())
    assert choice.route.model == "big"
    assert choice.model.context_tokens == 8192  # what is prompted must fit the one that may take over
    assert (await registry.choose(turn("smollm2-135m-instruct"))).route.tier == "fallback"
    with pytest.raises(ModelRefused):
        await registry.choose(turn("nobody"))


async def test_its_state_is_that_of_the_engine_until_a_model_answers(engines: LocalEngines) -> None:
    registry = Registry(lanes(ModelSettings(), engines), engines)
    assert registry.state()[0] == "starting"
    assert not registry.status()[0].healthy
    await registry.start()
    await registry.stop()


async def test_without_any_model_it_says_what_happens_instead() -> None:
    registry = Registry([])
    assert registry.state() == ("failed", "No model answers; passages are quoted instead.")
    with pytest.raises(ModelRefused, match="No model is configured"):
        await registry.choose(turn())


@pytest.mark.parametrize("url", ["gpu:8000", "ftp://gpu/v1", "file:///etc/passwd"])
def test_it_refuses_a_vllm_url_that_is_none(url: str) -> None:
    with pytest.raises(ValidationError):
        ModelSettings(vllm_url=url)


def test_keys_do_not_show() -> None:
    settings = ModelSettings(model_api_key="sk-secret", vllm_api_key="sk-secret")  # type: ignore[arg-type]
    assert "sk-secret" not in repr(settings)


async def test_a_question_between_two_domains_goes_to_both_adapters_where_the_table_says_so() -> None:
    settings = ModelSettings(vllm_url="http://gpu:8000/v1", vllm_model="big")
    rules = tuple(r.model_copy(update={"judged": r.name == "several domains"}) for r in read_table().rules)
    table = read_table().model_copy(update={"rules": rules})
    domains = Domains(lambda texts: np.ones((len(texts), 1), dtype=np.float32))  # everything is close to everything
    registry = Registry(lanes(settings, None), table=table, domains=domains)
    registry.serve_adapters({name: adapter_lane(settings, name) for name in ("finance", "people")})
    known = {name: AdapterChoice(loaded=True, description=name) for name in ("finance", "people")}
    await registry.follow(Choices(adapters=known))
    choice = await registry.choose(turn())
    assert [(rival.name, rival.route.adapter) for rival in choice.rivals] == [
        ("finance", "finance"), ("people", "people")
    ]  # fmt: skip
    assert "finance and people are both asked" in choice.route.reason
    registry.table = read_table()
    assert not (await registry.choose(turn())).rivals
    await registry.stop()
