"""Models, adapters and the choice between them, of the stand-in."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.fake_api.doorkeeper import body_of, missing, problem, signed_in, text_of, texts_of
from ui.fake_api.records import FakeUser
from ui.fake_api.world import World

PRESETS = {
    "precise": "The most likely word each time: the same question gets the same answer.",
    "balanced": "A little variety, close to the documents.",
    "creative": "Free wording, for drafts and ideas.",
}
# As vLLM counts them over everything, and as the local engine does for each prompt.
_NO_SPEED = {"speed_with": None, "speed_without": None}
OVER_ALL: dict[str, object] = {
    "task": "", "on": True, "answers": 0, "guessed": 412_000, "accepted": 251_320, "tokens_per_step": 3.4, **_NO_SPEED,
}  # fmt: skip
GUESSES: list[dict[str, object]] = [
    {"task": "grounded_answer", "on": True, "answers": 431, "guessed": 30_160, "accepted": 14_480,
     "tokens_per_step": 2.9, "speed_with": 118.0, "speed_without": 71.0},
    {"task": "plain_chat", "on": False, "answers": 62, "guessed": 180, "accepted": 11,
     "tokens_per_step": 1.2, "speed_with": 44.0, "speed_without": 73.0},
    {"task": "condense", "on": None, "answers": 2, "guessed": 0, "accepted": 0,
     "tokens_per_step": None, **_NO_SPEED},
]  # fmt: skip
ENSEMBLE: dict[str, object] = {
    "name": "self-consistency", "kind": "self_consistency", "about": "Asks five times; most votes win.",
    "members": ["assistant"] * 5, "rule": "5 answers of one model, of which most agree on one",
}  # fmt: skip
RULES = [
    {
        "name": "domain",
        "when": {"domain": "one"},
        "ask": ["adapter", "base", "small"],
        "because": "it has its own adapter",
    },
    {"name": "easy", "when": {"difficulty": "easy"}, "ask": ["small", "base"], "because": "the small model will do"},
    {"name": "otherwise", "when": {}, "ask": ["base", "small"], "because": "nothing speaks for another order"},
]


def routes() -> list[Route]:
    """Return the routes about models."""
    return [
        Route("/api/models", signed_in(overview, admin=True), methods=["GET"]),
        Route("/api/models/adapters/{name}", signed_in(change_adapter, admin=True), methods=["PUT"]),
        Route("/api/models/preset", signed_in(change_preset, admin=True), methods=["PUT"]),
        Route("/api/models/decide", signed_in(decide, admin=True), methods=["POST"]),
        Route("/api/models/try", signed_in(try_models, admin=True), methods=["POST"]),
        Route("/api/models/speculation", signed_in(measure_speculation, admin=True), methods=["POST"]),
        Route("/api/models/ensembles/{name}/measure", signed_in(measure, admin=True), methods=["POST"]),
        Route("/api/models/{name}", signed_in(change_model, admin=True), methods=["PATCH"]),
        Route("/api/policy", signed_in(policies, admin=True), methods=["GET"]),
        Route("/api/policy/train", signed_in(train_policy, admin=True), methods=["POST"]),
        Route("/api/policy/activate", signed_in(activate_policy, admin=True), methods=["POST"]),
        Route("/api/policy/rollback", signed_in(roll_policy_back, admin=True), methods=["POST"]),
    ]


async def overview(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return everything about models."""
    return _overview(world)


async def change_adapter(world: World, _user: FakeUser, request: Request) -> Response:
    """Load or unload an adapter, or say what it is about."""
    adapter, body = world.adapters.get(request.path_params["name"]), await body_of(request)
    if adapter is None:
        return problem(409, "Refused", "The vLLM server has no such adapter.", "adapter-refused")
    if body.get("loaded") and adapter.problem:
        return problem(409, "Refused", adapter.problem, "adapter-refused")
    adapter.loaded = bool(body.get("loaded", adapter.loaded))
    adapter.description = text_of(body, "description") if "description" in body else adapter.description
    adapter.examples = texts_of(body, "examples") if "examples" in body else adapter.examples
    return _overview(world)


async def change_preset(world: World, _user: FakeUser, request: Request) -> Response:
    """Set the manner of wording."""
    world.preset = text_of(await body_of(request), "preset")
    return _overview(world)


async def change_model(world: World, _user: FakeUser, request: Request) -> Response:
    """Switch a model on or off."""
    name = request.path_params["name"]
    if name not in {str(model["name"]) for model in (*_models(world), ENSEMBLE)}:
        return missing("model")
    world.models_off.discard(name)
    if (await body_of(request)).get("enabled") is False:
        world.models_off.add(name)
    return _overview(world)


async def decide(_world: World, _user: FakeUser, request: Request) -> Response:
    """Tell who would be asked: the small model for short questions."""
    question = text_of(await body_of(request), "question")
    rule = RULES[1] if len(question.split()) <= 12 else RULES[2]
    ask = ["smollm2-135m", "qwen3-8b"] if rule is RULES[1] else ["qwen3-8b", "smollm2-135m"]
    reason = f"Rule “{rule['name']}”: {rule['because']}; {ask[0]}, then {ask[1]}"
    return JSONResponse({"ask": ask, "reason": reason, "domains": []})


async def try_models(_world: World, _user: FakeUser, request: Request) -> Response:
    """Answer as each of the models."""
    body = await body_of(request)
    figures = {"notice": None, "degraded": False, "tokens": 12, "first_token_s": 0.3, "tokens_per_s": 96.0}
    asked = body["models"] if isinstance(body["models"], list) else []
    return JSONResponse(
        {
            "answers": [
                {
                    "asked": name,
                    "answered": name,
                    "answer": f"{name} says: {body['question']}",
                    "total_s": 0.5,
                    **figures,
                }
                for name in asked
            ]
        }
    )


async def measure(world: World, _user: FakeUser, request: Request) -> Response:
    """Find an ensemble better than its member at once."""
    questions = (await body_of(request))["questions"]
    count = len(questions) if isinstance(questions, list) else 0
    sentence = (
        f"Better than assistant alone: right 90% of the time, assistant 70%, on {count} questions, "
        "for 5.0 times its tokens and 4.8 times its time"
    )
    world.worth = {"verdict": "better", "sentence": sentence, "current": True, "at": time.time()}
    return JSONResponse({}, 202)


async def measure_speculation(world: World, _user: FakeUser, _request: Request) -> Response:
    """Find at once that guessing loses at one kind of request."""
    world.guessing_measured = True
    return JSONResponse({}, 202)


async def policies(world: World, _user: FakeUser, _request: Request) -> Response:
    """Return what was learned."""
    return _policies(world)


async def train_policy(world: World, _user: FakeUser, _request: Request) -> Response:
    """Learn one that is better, then one that is not shown to be."""
    good = not world.policies
    verdict = "better than the table" if good else "not shown to be better than the table"
    low = 0.02 if good else -0.01
    world.policies.insert(
        0,
        {
            "id": f"p{len(world.policies) + 1}", "at": time.time(),
            "estimate": {
                "experiences": 1_240, "low": low, "high": 0.11, "good": good,
                "sentence": f"It is {verdict}: +0.064 reward per answer, 95 % between {low:+.3f} and +0.110",
            },
        },
    )  # fmt: skip
    return _policies(world)


async def activate_policy(world: World, _user: FakeUser, request: Request) -> Response:
    """Let one act."""
    wanted = text_of(await body_of(request), "id")
    if wanted not in {one["id"] for one in world.policies}:
        return missing("learned policy")
    world.policy = wanted
    return _policies(world)


async def roll_policy_back(world: World, _user: FakeUser, _request: Request) -> Response:
    """Let the rules decide."""
    if world.policy is None:
        return problem(409, "Refused", "No learned policy acts, so there is nothing to go back from.", "policy-refused")
    world.policy = None
    return _policies(world)


def _policies(world: World) -> Response:
    return JSONResponse({"allowed": True, "explore": 0.05, "active": world.policy, "policies": world.policies})


def _overview(world: World) -> Response:
    return JSONResponse(
        {
            "models": _models(world),
            "ensembles": [ENSEMBLE | {"enabled": ENSEMBLE["name"] not in world.models_off, "worth": world.worth}],
            "measuring": None,
            "chats": {"answered": 5, "waiting": 2},
            "adapters": [vars(adapter) for adapter in world.adapters.values()],
            "adapters_problem": "",
            "balance": 1.28,
            "rules": RULES,
            "problems": world.models_problems,
            "preset": world.preset,
            "presets": [{"name": name, "about": about} for name, about in PRESETS.items()],
        }
    )


def _models(world: World) -> list[dict[str, object]]:
    figures: list[dict[str, object]] = [
        {"name": "qwen3-8b", "tier": "domain", "answers": 1_284, "failures": 3, "first_token_s": 0.31},
        {"name": "smollm2-135m", "tier": "fallback", "answers": 517, "failures": 0, "first_token_s": 0.46},
    ]
    figures[0] |= {"tokens_per_s": 96.0, "cost_per_1000": 0.42, "busy": 4, "adapter": None}
    figures[1] |= {"tokens_per_s": 71.0, "cost_per_1000": None, "busy": 0, "adapter": "grounded-answer"}
    measured = {"guesses": [OVER_ALL, *GUESSES[:2]], "guessing_advice": "Guessing loses at plain chat."}
    figures[0] |= measured if world.guessing_measured else {"guesses": [OVER_ALL]}
    figures[1] |= {"guesses": GUESSES}
    loaded = [
        {"name": adapter.name, "tier": "domain", "adapter": adapter.name, "answers": 402, "failures": 0,
         "first_token_s": 0.33, "tokens_per_s": 93.0, "cost_per_1000": 0.44, "busy": 1}
        for adapter in world.adapters.values()
        if adapter.loaded
    ]  # fmt: skip
    common: dict[str, object] = {
        "healthy": True,
        "detail": "It answers.",
        "inside": True,
        "guesses": [],
        "guessing_advice": "",
    }
    common |= {"breaker": "closed", "tried_again_in_s": None}
    return [
        {"model": str(one["name"]), **common, **one, "enabled": one["name"] not in world.models_off}
        for one in (*figures, *loaded)
    ]
