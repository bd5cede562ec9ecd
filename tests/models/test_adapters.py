from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

from assistant.models import adapters, choices
from assistant.models.adapters import Adapters
from assistant.models.choices import AdapterChoice
from assistant.models.domains import Domains
from assistant.models.ensembles import SelfConsistency
from assistant.models.errors import AdapterRefused, ModelRefused, ModelUnavailable
from assistant.models.lanes import lanes
from assistant.models.openai_http import Endpoint
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings, is_inside
from assistant.models.types import Guesses, Policy
from assistant.models.vllm.adapters import Adapters as ServedAdapters
from assistant.models.vllm.client import VllmClient
from assistant.models.vllm.deployment import Deployment
from assistant.models.vllm.fake import FakeVllm
from assistant.models.vllm.progress import Progress
from assistant.models.vllm.proxy import Proxy
from assistant.models.vllm.upstream import Upstream
from assistant.threads import in_thread
from knowledge.embed import HashEmbedder
from tests.outage import LOCKED, STUCK, outage

SETTINGS = ModelSettings(vllm_url="http://gpu:8100/v1", vllm_model="base", vllm_api_key="k")  # type: ignore[arg-type]
NAME = "grounded-answer"


@dataclass
class Bench:
    """The service, the models it offers, and vLLM behind its proxy."""

    adapters: Adapters
    registry: Registry
    vllm: FakeVllm
    served: ServedAdapters

    def names(self) -> list[str]:
        return [model.name for model in self.registry.status()]


def bench_of(engine: Engine, folder: Path, vllm: FakeVllm) -> Bench:
    upstream = Upstream(Path("unused"), "inner", httpx.ASGITransport(vllm.application()))
    served = ServedAdapters(upstream, Deployment(served_name="base", device="cpu"), folder)
    app = Proxy(upstream, served, Progress(lambda: 0.0), "k").application()
    client = VllmClient(Endpoint(SETTINGS.vllm_url, "k"), httpx.ASGITransport(app))
    registry = Registry(lanes(SETTINGS, None), domains=Domains(HashEmbedder().embed))
    return Bench(Adapters(engine, SETTINGS, registry, folder, client), registry, vllm, served)


@pytest.fixture
async def bench(engine: Engine, tmp_path: Path) -> AsyncIterator[Bench]:
    made = bench_of(engine, tmp_path, FakeVllm())
    yield made
    await made.registry.stop()
    await made.adapters.stop()


async def test_a_loaded_adapter_is_a_model_of_its_own(bench: Bench) -> None:
    await bench.adapters.look()
    assert bench.names() == ["base"] and [offer.name for offer in bench.adapters.offers] == [NAME]
    await bench.adapters.set(NAME, AdapterChoice(loaded=True), "ann")
    assert bench.names() == ["base", NAME] and set(bench.vllm.adapters) == {NAME}
    await bench.adapters.set(NAME, AdapterChoice(loaded=False), "ann")
    assert bench.names() == ["base"] and not bench.vllm.adapters


async def test_an_adapter_with_the_name_of_an_ensemble_is_refused(bench: Bench) -> None:
    often = SelfConsistency(kind="self_consistency", name=NAME, about="x")
    bench.registry.ensembles = {NAME: often}
    with pytest.raises(AdapterRefused, match="An ensemble has the name 'grounded-answer', too"):
        await bench.adapters.set(NAME, AdapterChoice(loaded=True), "ann")
    assert not bench.vllm.adapters


async def test_it_is_loaded_again_when_the_assistant_and_vllm_start_anew(
    bench: Bench, engine: Engine, tmp_path: Path
) -> None:
    await bench.adapters.set(NAME, AdapterChoice(loaded=True, description="Answers from passages"), "ann")
    again = bench_of(engine, tmp_path, FakeVllm())
    await again.adapters.look()
    assert again.names() == ["base", NAME] and set(again.vllm.adapters) == {NAME}
    assert again.registry.choices.adapters[NAME].description == "Answers from passages"


async def test_what_guessing_brought_is_shown_over_all_at_the_base_model(bench: Bench) -> None:
    await bench.adapters.set(NAME, AdapterChoice(loaded=True), "ann")
    await bench.adapters.look()
    shown = {model.name: model.guesses for model in bench.registry.status()}
    # 10 steps with 4 guesses each, of which 3 were right: vLLM's counters name no adapter.
    assert shown == {"base": (Guesses("", True, 0, 40, 30, 4.0),), NAME: ()}


async def test_a_question_of_its_domain_goes_to_it(bench: Bench) -> None:
    choice = AdapterChoice(loaded=True, examples=("How is revenue of the quarter booked in the ledger",))
    await bench.adapters.set(NAME, choice, "ann")
    chosen, domains = await bench.registry.explain("How is revenue of the last quarter booked in the ledger", Policy())
    assert chosen.cards[0].name == NAME and domains[0].closeness > 0.8 and "domain" in chosen.reason
    chosen, _ = await bench.registry.explain("zebra crossing xylophone", Policy())
    assert chosen.cards[0].name == "base"


async def test_what_is_refused_is_not_kept(bench: Bench, engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", "assistant.models.adapters")
    bench.vllm.refuses = "rank too high"
    with pytest.raises(AdapterRefused, match="rank too high"):
        await bench.adapters.set(NAME, AdapterChoice(loaded=True), "ann")
    with pytest.raises(AdapterRefused, match="no adapter 'ghost'"):
        await bench.adapters.set("ghost", AdapterChoice(loaded=True), "ann")
    assert not choices.read(engine).adapters
    # Operators find who asked for what, and why not.
    (line,) = [record.getMessage() for record in caplog.records if "was refused" in record.getMessage()]
    assert NAME in line and "ann" in line and "rank too high" in line


@pytest.mark.parametrize("error", [LOCKED, STUCK])
async def test_it_follows_again_after_the_database_was_away(
    bench: Bench, engine: Engine, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        with outage(engine, error):
            pass

    monkeypatch.setattr(adapters, "LOOK_EVERY_S", 0.01)
    await bench.adapters.start()
    await in_thread(away)
    choices.set_preset(engine, "creative", "ann")
    for _ in range(2_000):
        if bench.registry.choices.preset == "creative":
            break
        await asyncio.sleep(0.01)
    assert bench.registry.choices.preset == "creative"
    assert len([line for line in caplog.records if "cannot be followed" in line.getMessage()]) == 1


async def test_a_wanted_adapter_that_is_refused_is_not_asked_for_again(bench: Bench, engine: Engine) -> None:
    choices.set_adapter(engine, NAME, AdapterChoice(loaded=True), "ann")
    bench.vllm.refuses = "out of memory"
    await bench.adapters.look()
    await bench.adapters.look()
    assert "out of memory" in bench.adapters.problem_of(NAME) and bench.names() == ["base"]
    assert [path for path, _ in bench.vllm.bodies].count("/v1/load_lora_adapter") == 1


async def test_a_model_that_is_switched_off_stays_off(bench: Bench, engine: Engine, tmp_path: Path) -> None:
    await bench.adapters.switch("base", False, "ann")
    with pytest.raises(ModelRefused):
        await bench.registry.explain("Why?", Policy())
    again = bench_of(engine, tmp_path, FakeVllm())
    await again.adapters.look()
    assert not again.registry.status()[0].enabled
    await again.adapters.switch("base", True, "ann")
    assert again.registry.status()[0].enabled


async def test_the_preset_is_kept(bench: Bench, engine: Engine) -> None:
    assert choices.read(engine).preset == "precise"
    await bench.adapters.prefer("creative", "ann")
    assert choices.read(engine).preset == bench.registry.choices.preset == "creative"


async def test_without_a_server_it_says_so(engine: Engine, tmp_path: Path) -> None:
    registry = Registry([])
    alone = Adapters(engine, ModelSettings(), registry, tmp_path)
    await alone.look()
    assert alone.state()[0] == "ready"
    with pytest.raises(ModelUnavailable, match="No vLLM server is set up"):
        await alone.set(NAME, AdapterChoice(loaded=True), "ann")


async def test_a_server_that_is_down_or_not_ours_is_reported(engine: Engine, tmp_path: Path) -> None:
    bare = VllmClient(Endpoint(SETTINGS.vllm_url), httpx.ASGITransport(FakeVllm().application()))
    adapters = Adapters(engine, SETTINGS, Registry([]), tmp_path, bare)
    await adapters.look()
    assert adapters.state()[0] == "failed" and "does not manage adapters (HTTP 404)" in adapters.problem


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://127.0.0.1:8100/v1", True),
        ("http://gpu:8000/v1", True),
        ("http://10.1.2.3/v1", True),
        ("http://vllm.models.svc.cluster.local/v1", True),
        ("https://api.example.com/v1", False),
        ("http://8.8.8.8/v1", False),
        ("http://[::1]:1/v1", True),
    ],
)
def test_it_knows_what_is_outside_of_the_site(url: str, inside: bool) -> None:
    assert is_inside(url) is inside


async def test_prompts_fit_what_the_server_says_it_reads(bench: Bench) -> None:
    await bench.adapters.set(NAME, AdapterChoice(loaded=True), "ann")
    assert [model.context_tokens for model in bench.registry.status()] == [8192, 8192]  # it has not told
    bench.vllm.reads = 2048
    await bench.adapters.look()
    assert [model.context_tokens for model in bench.registry.status()] == [2048, 2048]
    assert bench.registry.named("base").model.context_tokens == 2048
    bench.vllm.reads = 100_000  # the setting is the most that is ever used
    await bench.adapters.look()
    assert bench.registry.named("base").model.context_tokens == SETTINGS.vllm_context_tokens


async def test_a_plain_vllm_without_a_list_of_adapters_tells_what_it_reads(engine: Engine, tmp_path: Path) -> None:
    vllm = FakeVllm()
    vllm.reads = 4096
    client = VllmClient(Endpoint(SETTINGS.vllm_url, "k"), httpx.ASGITransport(vllm.application()))
    registry = Registry(lanes(SETTINGS, None))
    adapters = Adapters(engine, SETTINGS, registry, tmp_path, client)
    await adapters.look()
    assert "does not manage adapters" in adapters.problem
    assert registry.named("base").model.context_tokens == 4096
    await registry.stop()
    await adapters.stop()
