"""The whole chain with the real base model: rows, a few steps, an adapter folder, weights, both engines."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from assistant.adaptation import adapter as folders
from assistant.adaptation import base, dataset, publish, recipe, splits
from assistant.adaptation.errors import AdapterMismatch, BaseModelMissing
from assistant.adaptation.export import materialise
from assistant.adaptation.packing import chat
from assistant.adaptation.parity import agreement, require
from assistant.orchestration import prompts
from assistant.orchestration.prompts import Message
from tests.adaptation.conftest import hashed

pytestmark = [
    pytest.mark.train,
    pytest.mark.model,
    pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="the extra 'train' is not installed"),
]
STEPS = (
    "{rank: 4, alpha: 8, max_steps: 3, groups_per_step: 1, warmup_steps: 1, validate_every_steps: 3, max_tokens: 900}"
)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return base.packaged(tmp_path_factory.mktemp("models"))
    except BaseModelMissing as exc:
        pytest.skip(str(exc))


def test_it_turns_rows_into_weights_that_engines_agree_on(
    tmp_path: Path, packaged: Path, rows_file: Path, recipe_text: str
) -> None:
    import peft
    import torch
    import transformers

    from assistant.adaptation.served import open_backend, replies
    from assistant.adaptation.train import run
    from assistant.adaptation.unpacked_base import unpack

    file = tmp_path / "recipe.yaml"
    text = recipe_text.replace("0" * 64, folders.sha256(packaged))
    file.write_text(text.split("training:")[0] + f"training: {STEPS}\n", "utf-8")
    chosen, prompt = recipe.load(file), prompts.load("grounded_answer")
    parts = splits.split(chosen, tmp_path)
    (tmp_path / "set").mkdir()
    for part, name in (("train", "groups"), ("development", "development")):
        groups = dataset.build(chosen, parts[part], hashed, prompt.abstention)
        dataset.save(groups[:3], tmp_path / "set" / f"{name}.jsonl")

    result = run(file, tmp_path / "set", tmp_path / "run", packaged)

    trained = Path(str(result["adapter"]))
    assert folders.open_adapter(trained).manifest.base_sha256 == folders.sha256(packaged)
    assert (tmp_path / "run" / "curves.png").stat().st_size > 1000
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    assert [entry["step"] for entry in log] == [1, 2, 3]

    asked = [
        prompts.render(
            prompt, [("Town", f"The tower number {n} was built in {1500 + n}.")], f"When was tower {n} built?"
        )
        for n in range(6)
    ]
    weights = materialise(packaged, trained, tmp_path / "cache", "F16")
    served = replies(open_backend(weights), asked, max_tokens=8)
    folder = unpack(packaged, tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = peft.PeftModel.from_pretrained(
        transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32), str(trained)
    )

    def greedy(messages: list[Message]) -> str:
        ids = tokenizer(chat(messages), return_tensors="pt", add_special_tokens=False)
        out = model.generate(**ids, max_new_tokens=8, do_sample=False)
        return str(tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)).strip()

    require(agreement([greedy(messages) for messages in asked], served), 0.8, ("transformers", "the local engine"))


def test_it_ships_an_adapter_for_the_model_that_ships(tmp_path: Path, packaged: Path) -> None:
    shipped = folders.open_adapter(publish.DEFAULT)
    assert shipped.manifest.base_sha256 == folders.sha256(packaged)
    assert shipped.manifest.prompt_version == prompts.load(shipped.manifest.prompt).version
    assert sum(file.stat().st_size for file in publish.DEFAULT.iterdir()) < 12e6


def test_it_refuses_a_recipe_for_another_base_model(tmp_path: Path, recipe_text: str) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe_text, "utf-8")
    (tmp_path / "other.gguf").write_bytes(b"GGUF")
    with pytest.raises(AdapterMismatch, match="000000000000"):
        base.checked(tmp_path / "other.gguf", recipe.load(tmp_path / "recipe.yaml"))
