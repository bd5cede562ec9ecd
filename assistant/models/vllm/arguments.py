"""A deployment as vLLM's own words: command line and environment. Pure; written for vLLM 0.30 to 0.33."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from assistant.models.vllm.deployment import Deployment, Speculation

# `vllm serve` looks up the metadata of a package named "vllm", which the CPU build does not have.
MODULE = "vllm.entrypoints.openai.api_server"
CPU_SERVER = Path(__file__).with_name("cpu_server.py")
KEEP_ALIVE_S = 15  # longer than any client of ours keeps an idle connection: none is closed under a question

# Nothing of the caller's environment reaches vLLM but these, and what `environment` adds: no development mode, no
# plug-ins, no tokens of model hubs.
PASSED = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES", "CUDA_HOME")


def command(deployment: Deployment, python: Path, socket: Path) -> list[str]:
    """Return the command that serves a deployment on the Unix socket `socket`, which only this user can open."""
    valued: dict[str, object] = {
        "--model": deployment.model,
        "--served-model-name": deployment.served_name,
        "--uds": socket,
        "--max-model-len": deployment.context_tokens,
        "--dtype": deployment.dtype,
        "--max-num-seqs": deployment.running,
        "--max-num-queued-reqs": deployment.queued,
        "--generation-config": "vllm",  # sampling is what the request says, not what a model's folder says
    }
    flags = ["--enable-prompt-tokens-details", "--disable-fastapi-docs", "--disable-uvicorn-access-log"]
    flags.append("--enable-prefix-caching" if deployment.prefix_caching else "--no-enable-prefix-caching")
    adapters_on_cpu = deployment.device == "cpu" and deployment.lora is not None
    flags += ["--enforce-eager"] if deployment.eager or adapters_on_cpu else []
    if deployment.device == "gpu":
        valued |= _spread(deployment)
        flags += ["--enable-expert-parallel"] if deployment.expert_parallel else []
    if deployment.tool_parser:
        flags.append("--enable-auto-tool-choice")
        valued["--tool-call-parser"] = deployment.tool_parser
    if deployment.lora:
        flags.append("--enable-lora")
        valued |= {
            "--max-lora-rank": deployment.lora.max_rank,
            "--max-loras": deployment.lora.at_once,
            "--max-cpu-loras": deployment.lora.loaded,
        }
    if deployment.speculation:
        valued["--speculative-config"] = json.dumps(_speculative(deployment.speculation))
    flat = [str(part) for option in valued.items() for part in option]
    # -P: nothing beside the file is taken for a module of the same name.
    started = ["-P", str(CPU_SERVER)] if adapters_on_cpu else ["-m", MODULE]
    return [str(python), *started, *flat, *flags]


def environment(deployment: Deployment, own: Mapping[str, str], key: str, cache: Path) -> dict[str, str]:
    """Return the environment of the process: a few of `own` variables, and ours; offline and silent."""
    made = {name: own[name] for name in PASSED if name in own}
    made |= {
        "VLLM_API_KEY": key,
        "VLLM_CACHE_ROOT": str(cache),
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_HTTP_TIMEOUT_KEEP_ALIVE": str(KEEP_ALIVE_S),
    }
    if deployment.lora:
        made["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] = "1"  # reachable through the private socket alone
    if deployment.device == "cpu":
        made["VLLM_CPU_KVCACHE_SPACE"] = str(deployment.cpu_cache_gib)
    return made


def _spread(deployment: Deployment) -> dict[str, object]:
    valued: dict[str, object] = {
        "--tensor-parallel-size": deployment.tensor_parallel,
        "--pipeline-parallel-size": deployment.pipeline_parallel,
        "--gpu-memory-utilization": deployment.memory_share,
    }
    if deployment.ray:
        valued["--distributed-executor-backend"] = "ray"
    if deployment.quantisation:
        valued["--quantization"] = deployment.quantisation
    return valued


def _speculative(wanted: Speculation) -> dict[str, object]:
    if wanted.method == "draft_model":
        return {"method": "draft_model", "model": wanted.draft, "num_speculative_tokens": wanted.tokens}
    return {
        "method": "ngram",
        "num_speculative_tokens": wanted.tokens,
        "prompt_lookup_max": wanted.lookup_longest,
        "prompt_lookup_min": wanted.lookup_shortest,
    }
