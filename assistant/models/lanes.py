"""The lanes that the settings name: vLLM's base model, its adapters, and the local engine or what took its place."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.engines import LocalEngines
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, PLAIN, VLLM
from assistant.models.router import Deadlines, Lane
from assistant.models.settings import ModelSettings, is_inside
from assistant.models.vllm.client import KEY_FILE
from assistant.models.weights import NAME
from assistant.types import Route

DOMAIN = "domain"
# The supervisor starts a dead engine again within seconds, so it is worth asking soon.
_LOCAL_CANARY_S = 2.0


def lanes(settings: ModelSettings, engines: LocalEngines | None, data_dir: Path | None = None) -> list[Lane]:
    """Return vLLM's base model if there is a server, then the local engine or what took its place.

    `data_dir` is where a key may lie that `serve-vllm` left there.
    """
    found = [_base(settings, data_dir)] if settings.vllm_url else []
    if settings.url:
        return [*found, _url(settings)]
    return [*found, _local(settings, engines)] if engines else found


def adapter_lane(settings: ModelSettings, name: str, data_dir: Path | None = None) -> Lane:
    """Return the lane of one adapter that the vLLM server has loaded."""
    base = settings.vllm_model or DOMAIN
    return _vllm(settings, name, name, Route(base, name, "domain", ""), data_dir)


def vllm_endpoint(settings: ModelSettings, served_name: str, data_dir: Path | None) -> Endpoint:
    """Return where the vLLM server is; without a key in the settings, with the one that `serve-vllm` left."""
    key = settings.vllm_api_key.get_secret_value() if settings.vllm_api_key else ""
    if not key and data_dir is not None and (data_dir / KEY_FILE).is_file():
        key = (data_dir / KEY_FILE).read_text("utf-8").strip()
    return Endpoint(settings.vllm_url, key, served_name)


def _base(settings: ModelSettings, data_dir: Path | None) -> Lane:
    name = settings.vllm_model or DOMAIN
    return _vllm(settings, name, settings.vllm_model, Route(name, None, "domain", ""), data_dir)


def _vllm(settings: ModelSettings, name: str, served_name: str, route: Route, data_dir: Path | None) -> Lane:
    timeouts = Timeouts(first_token_s=settings.domain_first_token_s, inter_token_s=settings.domain_inter_token_s)
    patient_s = max(settings.domain_first_token_s, settings.first_token_s)
    endpoint = vllm_endpoint(settings, served_name, data_dir)
    patient = Timeouts(first_token_s=patient_s, inter_token_s=timeouts.inter_token_s)  # the lane is the stricter one
    model = OpenAIModel(name, fixed(endpoint), settings.vllm_context_tokens, patient, VLLM)
    lane = _lane(model, route, timeouts, BreakerRules())
    lane.deadlines = replace(lane.deadlines, patient_s=patient_s)
    lane.inside, lane.places, lane.price = is_inside(settings.vllm_url), settings.vllm_places, settings.vllm_price
    lane.sees = settings.vllm_vision
    return lane


def _url(settings: ModelSettings) -> Lane:
    name = settings.model_name or "model"
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else ""
    timeouts = Timeouts(first_token_s=settings.first_token_s, inter_token_s=settings.inter_token_s)
    model = OpenAIModel(
        name, fixed(Endpoint(settings.url, key, settings.model_name)), settings.context_tokens, timeouts, PLAIN
    )
    lane = _lane(model, Route(name, None, "fallback", ""), timeouts, BreakerRules())
    lane.inside, lane.price, lane.sees = is_inside(settings.url), settings.local_price, settings.vision
    lane.probabilities = False
    return lane


def _local(settings: ModelSettings, engines: LocalEngines) -> Lane:
    name = settings.gguf.stem if settings.gguf else NAME
    timeouts = Timeouts(first_token_s=settings.first_token_s, inter_token_s=settings.inter_token_s)
    model = OpenAIModel(name, engines.locate, settings.context_tokens, timeouts, LOCAL)
    lane = _lane(model, Route(name, None, "fallback", ""), timeouts, BreakerRules(canary_every_s=_LOCAL_CANARY_S))

    def route() -> Route:
        spec = engines.spec()
        return Route(name, spec.adapter if spec else None, "fallback", "")

    lane.route, lane.tools, lane.price = route, False, settings.local_price
    lane.probabilities = False
    lane.places = settings.engine_running + settings.engine_waiting
    return lane


def _lane(model: OpenAIModel, route: Route, timeouts: Timeouts, rules: BreakerRules) -> Lane:
    patient = max(rules.silence_s, timeouts.first_token_s)
    breaker = Breaker(
        BreakerRules(rules.failures, patient, rules.canary_every_s, rules.steady_s), time.monotonic
    )  # fmt: skip
    deadlines = Deadlines(timeouts.first_token_s, timeouts.inter_token_s)
    return Lane(model.name, model, lambda: route, breaker, deadlines)
