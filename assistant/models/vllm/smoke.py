"""Whether a model of vLLM says something: some tokens of a plain prompt, which have to be text and numbers."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from assistant.models.vllm.upstream import Upstream, reason

SMOKE_S = 60.0
TOKENS = 12
PROMPT = "What is the capital of France?"
# What is said when vLLM computes NaN. Its cache keeps them, and they reach whoever is given that part of it next.
NAN = "its probabilities are no numbers"
# vLLM writes probabilities into JSON, which knows no NaN; 0.32 says so in this way.
_NAN_SAID = re.compile("not JSON compliant")


async def fault(upstream: Upstream, model: str) -> str:
    """Return what is wrong with how `model` answers, in half a sentence; "" when nothing is.

    Raises ModelUnavailable when vLLM does not answer at all.
    """
    body = {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": TOKENS,
        "temperature": 0.0,
        "logprobs": True,
        "top_logprobs": 1,
    }
    try:
        async with asyncio.timeout(SMOKE_S), upstream.post("/v1/chat/completions", body) as answer:
            content = await answer.aread()
    except TimeoutError:
        return f"no answer came within {SMOKE_S:g} s"
    if answer.status_code != 200:
        said = reason(content)
        return NAN if _NAN_SAID.search(said) else f"vLLM says {said!r}"
    return _judged(content)


def _judged(content: bytes) -> str:
    try:
        choice: Mapping[str, Any] = json.loads(content)["choices"][0]
        text = choice["message"]["content"]
        told = (choice.get("logprobs") or {}).get("content") or ()
        numbers = [float(each["logprob"]) for each in told]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "what came is no answer"
    if not all(math.isfinite(number) for number in numbers):
        return NAN
    return "" if text and text.strip() else "its answer has no text"
