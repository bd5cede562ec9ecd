"""Real torch, transformers and peft on a model of two narrow layers."""

from __future__ import annotations

import importlib.util
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.adaptation import dataset
from assistant.adaptation.errors import CheckpointError, DatasetError, LossNotFinite
from assistant.adaptation.packing import Packed, chat, pack
from assistant.adaptation.recipe import Training
from assistant.adaptation.rows import Passage
from assistant.orchestration import prompts

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="the extra 'train' is not installed"),
]
PROMPT = prompts.load("grounded_answer")
RECIPE = Training(
    rank=2, alpha=4, max_steps=6, groups_per_step=2, warmup_steps=1, validate_every_steps=3, dtype="float32"
)


class Bytes:
    """A tokenizer of single bytes; the markers of the chat form are bytes like any other."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())


def group(seed: int) -> dataset.Group:
    passages = tuple(Passage(f"T{n}", f"Fact {seed + n} is a tower.") for n in range(2))
    branches = (
        dataset.Branch("a", f"What is fact {seed}?", "a tower [1].", "answerable"),
        dataset.Branch("b", "Which river is it?", PROMPT.abstention, "removed"),
        dataset.Branch("c", f"Is fact {seed + 1} so?", "a tower [2].", "answerable"),
    )
    return dataset.Group(passages, branches)


def packed(number: int = 4) -> list[Packed]:
    return [pack(group(10 * n), PROMPT, Bytes(), 4000) for n in range(number)]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=256,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
    )
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder)
    yield folder


def weights_of(run: Path) -> bytes:
    return (run / "best" / "adapter_model.safetensors").read_bytes()


def test_it_gives_each_branch_the_losses_it_would_have_alone(base: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from assistant.adaptation.packed_attention import NAME, register
    from assistant.adaptation.sft import token_losses

    register()
    alone = AutoModelForCausalLM.from_pretrained(base)
    together = AutoModelForCausalLM.from_pretrained(base, attn_implementation=NAME)
    source = group(3)
    with torch.no_grad():
        losses, _ = token_losses(together, pack(source, PROMPT, Bytes(), 4000))
        wanted = []
        for branch in source.branches:
            texts = [(p.title, p.text) for p in source.passages]
            asked = Bytes().encode(chat(prompts.render(PROMPT, texts, branch.question)))
            reply = Bytes().encode(branch.answer + "<|im_end|>")
            logits = alone(torch.tensor([asked + reply])).logits[0, len(asked) - 1 : -1]
            wanted.append(torch.nn.functional.cross_entropy(logits, torch.tensor(reply), reduction="none"))
    torch.testing.assert_close(losses, torch.cat(wanted), atol=1e-5, rtol=1e-5)


def test_it_leaves_out_branches_that_do_not_fit_and_refuses_when_none_does() -> None:
    whole = pack(group(0), PROMPT, Bytes(), 4000)
    assert len(pack(group(0), PROMPT, Bytes(), len(whole.ids) - 1).branches) == 2
    with pytest.raises(DatasetError, match="max_tokens"):
        pack(group(0), PROMPT, Bytes(), whole.shared)


def test_it_lowers_the_loss_and_writes_an_adapter(base: Path, tmp_path: Path) -> None:
    from assistant.adaptation.sft import read_log, train

    recipe = RECIPE.model_copy(update={"max_steps": 30, "learning_rate": 1e-2, "patience": 99})
    train(base, packed(), packed(1), recipe, tmp_path, "f")
    losses = [entry["loss"] for entry in read_log(tmp_path)]
    assert len(losses) == 30
    assert losses[-1] < losses[0] - 0.1
    assert json.loads((tmp_path / "best" / "adapter_config.json").read_text("utf-8"))["r"] == 2


def test_it_goes_on_to_the_same_weights_after_being_killed(base: Path, tmp_path: Path) -> None:
    from assistant.adaptation.sft import train

    class Killed(list[Packed]):
        """Groups that end the process after some reads, the way a kill does: without any clean-up."""

        left = 7

        def __getitem__(self, number):  # type: ignore[no-untyped-def]
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
            return super().__getitem__(number)

    often = RECIPE.model_copy(update={"checkpoint_minutes": 0})
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    train(base, packed(), packed(1), often, tmp_path / "whole", "f")
    with pytest.raises(KeyboardInterrupt):
        train(base, Killed(packed()), packed(1), often, tmp_path / "killed", "f")
    train(base, packed(), packed(1), often, tmp_path / "killed", "f")
    assert weights_of(tmp_path / "whole") == weights_of(tmp_path / "killed")


def test_it_goes_on_from_an_adapter_and_gives_it_back_where_nothing_is_better(base: Path, tmp_path: Path) -> None:
    from assistant.adaptation.sft import read_log, train

    for name in ("first", "second", "still"):
        (tmp_path / name).mkdir()
    recipe = RECIPE.model_copy(update={"max_steps": 30, "learning_rate": 1e-2, "patience": 99})
    train(base, packed(), packed(1), recipe, tmp_path / "first", "f")
    start = tmp_path / "first" / "best"
    config = json.loads((start / "adapter_config.json").read_text("utf-8")) | {"base_model_name_or_path": "Tiny-Model"}
    (start / "adapter_config.json").write_text(json.dumps(config), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # peft warns where it cannot look a name up on a hub
        train(base, packed(), packed(1), recipe, tmp_path / "second", "f", start)
    first, second = ([entry["loss"] for entry in read_log(tmp_path / name)] for name in ("first", "second"))
    assert second[0] < first[0] - 0.1
    still = RECIPE.model_copy(update={"learning_rate": 1e-30, "weight_decay": 0.0})
    found = train(base, packed(), packed(1), still, tmp_path / "still", "f", start)
    assert (
        found.loss < first[0] and weights_of(tmp_path / "still") == (start / "adapter_model.safetensors").read_bytes()
    )


def test_it_stops_on_a_loss_that_is_not_a_number_and_writes_nothing(base: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    from assistant.adaptation.sft import train

    broken = AutoModelForCausalLM.from_pretrained(base)
    broken.model.norm.weight.data.fill_(float("nan"))
    broken.save_pretrained(tmp_path / "broken")
    with pytest.raises(LossNotFinite, match="step 1. Lower learning_rate"):
        train(tmp_path / "broken", packed(), packed(1), RECIPE, tmp_path, "f")
    assert not (tmp_path / "best").exists()
    assert not (tmp_path / "checkpoint.pt").exists()


@pytest.mark.parametrize("damage", ["torn", "empty", "foreign"])
def test_it_says_that_a_checkpoint_cannot_be_used(base: Path, tmp_path: Path, damage: str) -> None:
    from assistant.adaptation.sft import train

    train(base, packed(), packed(1), RECIPE, tmp_path, "f")
    path = tmp_path / "checkpoint.pt"
    content = path.read_bytes()
    path.write_bytes({"torn": content[: len(content) // 2], "empty": b"", "foreign": content}[damage])
    with pytest.raises(CheckpointError, match="another recipe" if damage == "foreign" else "torn"):
        train(base, packed(), packed(1), RECIPE, tmp_path, "g" if damage == "foreign" else "f")


def test_it_keeps_the_last_checkpoint_when_the_disk_is_full(tmp_path: Path) -> None:
    import resource
    import signal

    import torch

    from assistant.adaptation import checkpoint

    path = tmp_path / "checkpoint.pt"
    checkpoint.save({"fingerprint": "f", "done": 1}, path)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(CheckpointError, match="Free some space"):
            checkpoint.save({"fingerprint": "f", "done": 2, "weights": torch.ones(100_000)}, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    state = checkpoint.load(path, "f")
    assert state is not None
    assert state["done"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_it_lowers_the_rate_by_steps_or_by_the_clock_whichever_is_ahead() -> None:
    from assistant.adaptation.sft import learning_rate, progress

    timed = Training(max_steps=100, max_minutes=10, warmup_steps=10, learning_rate=1.0, final_rate=0.1)
    assert progress(50, 60, timed) == 0.5
    assert progress(50, 540, timed) == 0.9
    assert learning_rate(0, 0, timed) == pytest.approx(0.1)
    assert learning_rate(99, 10_000, timed) == pytest.approx(0.1)


def test_it_weighs_abstentions_and_long_answers_less() -> None:
    from assistant.adaptation.sft import LONG_ANSWER_TOKENS, _weights

    one = pack(group(0), PROMPT, Bytes(), 4000)
    weights = _weights(one, RECIPE.model_copy(update={"abstention_weight": 0.5}))
    lengths = [one.owner.count(n) for n in range(3)]
    for number, factor in enumerate((1.0, 0.5, 1.0)):
        mine = [float(w) for w, owner in zip(weights, one.owner, strict=True) if owner == number]
        assert mine == pytest.approx([factor * min(1, LONG_ANSWER_TOKENS / lengths[number])] * lengths[number])
