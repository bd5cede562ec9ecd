"""The model on OpenVINO GenAI's continuous batching; the only file that imports it.

Why this library: docs/decisions/0002-local-engine.md. `step` holds Python's lock while it computes, therefore
`local/engine.py` gives the event loop its turn between steps.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import openvino
import openvino_genai as genai

from assistant.models.errors import WeightsInvalid
from assistant.models.local.backend import Emission, Job
from assistant.models.local.chatml import CONTROL_TOKENS
from assistant.models.local.grammar import to_ebnf
from assistant.models.types import Sampling

# Control tokens of the SmolLM2 vocabulary beyond ChatML's own; those of other models come with the GGUF file.
SMOLLM_CONTROL = (
    "<repo_name>", "<reponame>", "<file_sep>", "<filename>", "<gh_stars>", "<issue_start>", "<issue_comment>",
    "<issue_closed>", "<jupyter_start>", "<jupyter_text>", "<jupyter_code>", "<jupyter_output>", "<jupyter_script>",
    "<empty_output>",
)  # fmt: skip

# A GGUF file of this name lies in a folder of its own, where the library may write what it makes of it.
PREPARED = "weights.gguf"
READY = "prepared"
# What was said last is looked up in the prompt by as many tokens, and by fewer where that is not found.
MOST_ALIKE = 3

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenVinoOptions:
    """How the model is run."""

    context_tokens: int = 8192
    kv_cache_gb: int = 1  # 16-bit keys and values of SmolLM2-135M take 23 kB a token: 46,000 tokens
    max_running: int = 16
    prompt_chunk_tokens: int = 256  # prompt tokens in one step: other streams wait this long for their next token
    speculate_tokens: int = 0  # prompt lookup: tokens guessed per step for jobs that ask for it; 0 is off


class OpenVinoBackend:
    """A GGUF file in memory, decoding several jobs at once with paged attention and a prefix cache.

    The library guesses for every request of a pipeline or for none, so with guessing there are two pipelines, each
    with its own copy of the weights and its own prefix cache (docs/experiments/2026-11-speculation.md).
    """

    def __init__(self, path: Path, name: str, options: OpenVinoOptions) -> None:
        self._pipeline = _open(path, options, guesses=False)
        self._guessing = _open(path, options, guesses=True) if options.speculate_tokens else None
        self._tokenizer = self._pipeline.get_tokenizer()
        self._eos = self._tokenizer.get_eos_token_id()
        self._handles: dict[int, genai.GenerationHandle] = {}
        self.guesses = options.speculate_tokens
        self.name = name
        self.context_tokens = options.context_tokens
        vocabulary = self._tokenizer.get_vocab()
        self._ends = {int(vocabulary[end]) for token in CONTROL_TOKENS if (end := token.encode()) in vocabulary}
        self.control_tokens = tuple(token for token in SMOLLM_CONTROL if token.encode() in vocabulary)
        self._warm_up()

    def _warm_up(self) -> None:
        """Answer a short prompt, so that the first real one does not wait for what is made on first use."""
        prompt = self.encode("Hello there. " * 8)
        for n in range(2 if self._guessing else 1):
            self.add(Job(n, prompt, Sampling(max_tokens=2), guess=n == 1))
        while self.busy():
            self.step()
        self._handles.clear()

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the token ids of `text`; control tokens in it are recognised, none are added."""
        if not text:
            return ()
        ids = self._tokenizer.encode(text, add_special_tokens=False).input_ids
        return tuple(ids.data[0].tolist())

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of `ids` without control tokens; incomplete UTF-8 becomes U+FFFD."""
        return str(self._tokenizer.decode(list(ids))) if ids else ""

    def add(self, job: Job) -> None:
        """Start a job. Raises ValueError when its sampling is not possible."""
        try:
            config = self._config(job.sampling)
            pipeline = self._pipeline
            if job.guess and self._guessing is not None:
                pipeline = self._guessing
                config.num_assistant_tokens = self.guesses
                config.max_ngram_size = MOST_ALIKE
            config.validate()
            prompt = openvino.Tensor(np.array([job.prompt], dtype=np.int64))
            self._handles[job.id] = pipeline.add_request(job.id, prompt, config)
        except RuntimeError as exc:
            raise ValueError(_last_line(exc)) from exc

    def cancel(self, job_id: int) -> None:
        """Forget a job; its memory is free after the next step."""
        if handle := self._handles.pop(job_id, None):
            handle.cancel()

    def busy(self) -> bool:
        """Return whether a job is waiting or running, or a cancelled one still holds memory."""
        return any(pipeline.has_non_finished_requests() for pipeline in self._pipelines())

    def step(self) -> list[Emission]:
        """Compute one step for every running job and return what is new. Raises RuntimeError when broken for good."""
        for pipeline in self._pipelines():
            if pipeline.has_non_finished_requests():
                pipeline.step()
        emissions = [emission for job, handle in self._handles.items() if (emission := _read(job, handle))]
        for emission in emissions:
            if emission.finished:
                del self._handles[emission.job]
        return emissions

    def _pipelines(self) -> list[genai.ContinuousBatchingPipeline]:
        return [self._pipeline] if self._guessing is None else [self._pipeline, self._guessing]

    def _config(self, sampling: Sampling) -> genai.GenerationConfig:
        config = genai.GenerationConfig(max_new_tokens=sampling.max_tokens, apply_chat_template=False)
        config.set_eos_token_id(self._eos)
        config.stop_token_ids = self._ends | {self._eos}
        if sampling.temperature > 0:
            config.do_sample = True
            config.temperature = sampling.temperature
            config.top_p = sampling.top_p
            config.min_p = sampling.min_p
            if sampling.top_k:
                config.top_k = sampling.top_k
        if sampling.seed is not None:
            config.rng_seed = sampling.seed
        if sampling.json_schema is not None:
            grammar = to_ebnf(sampling.json_schema)
            config.structured_output_config = genai.StructuredOutputConfig(grammar=grammar)
        return config


def _read(job: int, handle: genai.GenerationHandle) -> Emission | None:
    ids: list[int] = []
    finished: Literal["stop", "length"] | None = None
    while handle.can_read():
        for output in handle.read().values():
            ids.extend(output.generated_ids)
            finished = _REASONS.get(output.finish_reason)
    if handle.get_status() == genai.GenerationStatus.IGNORED and finished is None:
        finished = "length"  # the prompt and its answer do not fit the key-value cache
    return Emission(job, tuple(ids), finished) if ids or finished else None


_REASONS: dict[genai.GenerationFinishReason, Literal["stop", "length"]] = {
    genai.GenerationFinishReason.STOP: "stop",
    genai.GenerationFinishReason.LENGTH: "length",
}


def _last_line(exc: Exception) -> str:
    """Return the last line of an OpenVINO message; those before it are places in its source."""
    return str(exc).strip().splitlines()[-1]


def _open(path: Path, options: OpenVinoOptions, *, guesses: bool) -> genai.ContinuousBatchingPipeline:
    """Load `path`, or what was made from it at an earlier start, which saves half of the time (7 s to 4 s)."""
    if path.name != PREPARED or not os.access(path.parent, os.W_OK):
        return _loaded(path, options, guesses)
    with (path.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another process may be preparing the same model
        ready = path.parent / READY
        if ready.exists():
            try:
                return _pipeline(path.parent, options, guesses)
            except RuntimeError as exc:
                log.warning("the prepared model in %s is damaged, making it again: %s", path.parent, _last_line(exc))
                ready.unlink()
        pipeline = _loaded(path, options, guesses, enable_save_ov_model=True)
        genai.Tokenizer(str(path), enable_save_ov_model=True)
        ready.touch()
        return pipeline


def _loaded(
    path: Path, options: OpenVinoOptions, guesses: bool, **properties: object
) -> genai.ContinuousBatchingPipeline:
    try:
        return _pipeline(path, options, guesses, **properties)
    except RuntimeError as exc:
        raise WeightsInvalid(f"{path} cannot be loaded as a GGUF language model: {_last_line(exc)}") from exc


def _pipeline(
    path: Path, options: OpenVinoOptions, guesses: bool, **properties: object
) -> genai.ContinuousBatchingPipeline:
    scheduler = genai.SchedulerConfig()
    scheduler.cache_size = options.kv_cache_gb
    scheduler.max_num_seqs = options.max_running
    scheduler.max_num_batched_tokens = options.prompt_chunk_tokens
    scheduler.enable_prefix_caching = True
    # The default of 8 bits makes an answer depend on what else is being answered; 16 bits cost no time (measured).
    properties["KV_CACHE_PRECISION"] = "f16"
    # Processors that multiply bfloat16 or int8 in tiles would round to these by default. Answers would then depend on
    # the machine, on what else is being answered and on what the prefix cache holds; decoding is no faster, and reading
    # 721 tokens takes 0.84 s in place of 0.33 (Xeon with AMX, two cores).
    properties["INFERENCE_PRECISION_HINT"] = "f32"
    properties["DYNAMIC_QUANTIZATION_GROUP_SIZE"] = "0"
    if guesses:
        properties["prompt_lookup"] = True
    return genai.ContinuousBatchingPipeline(str(path), scheduler, "CPU", properties)
