"""Do transformers + peft, OpenVINO and llama.cpp say the same from the same adapter?

    python benchmarks/adapter_parity.py --data FOLDER [--prompts 100]

Greedy replies to XQuAD questions over their own passage and one near miss, word by word. The adapter is merged into
the packaged weights by `export.materialise`; transformers loads the dequantised base and the adapter as they are. Fails
when F16 through llama.cpp, which computes as transformers does, agrees on less than 95 % of the words.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import peft
import torch
import transformers

from assistant.adaptation import base, publish
from assistant.adaptation.evaluate import test_tasks
from assistant.adaptation.export import materialise
from assistant.adaptation.metrics import summary
from assistant.adaptation.packing import chat
from assistant.adaptation.parity import agreement, require
from assistant.adaptation.served import open_backend, replies
from assistant.adaptation.tasks import Task, run
from assistant.adaptation.unpacked_base import unpack
from assistant.adaptation.vectors import RememberingEmbedder
from assistant.orchestration import prompts
from assistant.orchestration.prompts import Message
from benchmarks.report import Figure, show

MAX_TOKENS = 24
LEAST = 0.95


def by_transformers(folder: Path, adapter: Path, conversations: Sequence[Sequence[Message]]) -> list[str]:
    """Return greedy replies in single precision."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = peft.PeftModel.from_pretrained(
        transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), str(adapter)
    ).eval()
    found = []
    for messages in conversations:
        ids = tokenizer(chat(messages), return_tensors="pt", add_special_tokens=False)
        with torch.no_grad():
            out = model.generate(**ids, max_new_tokens=MAX_TOKENS, do_sample=False)
        found.append(tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True).strip())
    return found


def by_llama(weights: Path, conversations: Sequence[Sequence[Message]]) -> list[str]:
    """Return greedy replies of llama.cpp."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.n_ctx = 4096
    parameters.n_parallel = 1
    parameters.sampling.temp = 0.0
    server = xllamacpp.Server(parameters)
    found = []
    for messages in conversations:
        asked = {"prompt": chat(messages), "max_tokens": MAX_TOKENS, "temperature": 0.0, "cache_prompt": False}
        found.append(server.handle_completions(asked)["choices"][0]["text"].strip())
    return found


def shortened(task: Task) -> Task:
    """Return the task over its gold passage and one other, so that transformers takes seconds and not minutes."""
    gold = task.gold[0] - 1
    other = next(n for n in range(len(task.passages)) if n != gold)
    kept = sorted((gold, other))
    return replace(task, passages=tuple(task.passages[n] for n in kept), gold=(kept.index(gold) + 1,))


def main() -> None:
    """Compare and print; exit status 1 when F16 disagrees."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--prompts", type=int, default=100)
    parser.add_argument("--adapter", type=Path, default=publish.DEFAULT)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    prompt, gguf = prompts.load("grounded_answer"), options.base or base.packaged(options.cache)
    embed = RememberingEmbedder(options.cache / "test.vectors.npz")
    given = test_tasks(options.data / "xquad_en.jsonl", None, embed, options.prompts)["answerable"]
    tasks = [shortened(task) for task in given]
    embed.save()
    said: dict[str, list[str]] = {}
    scores: dict[str, float] = {}

    def ask(name: str, engine: object) -> None:
        found = run(tasks, engine, prompt)  # type: ignore[arg-type]  # a Complete; mypy cannot infer the lambdas below against it
        said[name] = [reply.text for reply in found]
        scores[name] = summary([reply.scored for reply in found])["token_f1"].mean

    ask("transformers", lambda asked: by_transformers(unpack(gguf, options.cache), options.adapter, asked))
    for quantisation in ("F16", "Q8_0", "Q4_0"):
        weights = materialise(gguf, options.adapter, options.cache, quantisation)
        ask(f"openvino {quantisation}", lambda asked, w=weights: replies(open_backend(w), asked, MAX_TOKENS))
        with contextlib.suppress(ImportError):  # llama.cpp is no part of the product
            ask(f"llama.cpp {quantisation}", lambda asked, w=weights: by_llama(w, asked))
    figures = []
    for name, replied in said.items():
        alike = agreement(said["transformers"], replied)
        figures.append(Figure(f"{name}: words as transformers", alike.prefix, "share"))
        figures.append(Figure(f"{name}: token F1", scores[name], "F1", "transformers", scores["transformers"]))
    show("adapter_parity", figures, prompts=len(tasks))
    checked = "llama.cpp F16" if "llama.cpp F16" in said else "openvino F16"
    require(agreement(said["transformers"], said[checked]), LEAST, ("transformers", checked))


if __name__ == "__main__":
    main()
