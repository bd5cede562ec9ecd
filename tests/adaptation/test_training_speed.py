"""Our loop and the bare one that its speed is compared with do the same work, on a model of two narrow layers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from assistant.adaptation import dataset
from assistant.adaptation.packing import Packed, pack
from assistant.adaptation.recipe import Training
from assistant.adaptation.rows import Passage
from assistant.orchestration import prompts

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="the extra 'train' is not installed"),
]
PROMPT = prompts.load("grounded_answer")


class Bytes:
    """A tokenizer of single bytes."""

    def encode(self, text: str) -> list[int]:
        return list(text.encode())


def group(number: int) -> Packed:
    passages = tuple(Passage(f"T{n}", f"Fact {number + n} is a tower.") for n in range(2))
    branches = (
        dataset.Branch("a", f"What is fact {number}?", "a tower [1].", "answerable"),
        dataset.Branch("b", "Which river is it, if it is one at all?", PROMPT.abstention, "removed"),
        dataset.Branch("c", f"Is fact {number + 1} so?", "a tower [2].", "answerable"),
    )
    return pack(dataset.Group(passages, branches), PROMPT, Bytes(), 4000)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.set_num_threads(1)
    torch.manual_seed(1)
    narrow = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = LlamaConfig(vocab_size=256, num_hidden_layers=2, max_position_embeddings=4096, **narrow)
    folder = tmp_path_factory.mktemp("base")
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_both_loops_learn_the_same_tokens_at_the_same_loss(base: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from assistant.adaptation.packed_attention import NAME, register
    from assistant.adaptation.sft import token_losses
    from benchmarks.training_speed import alone

    register()
    bare = AutoModelForCausalLM.from_pretrained(base)
    ours = AutoModelForCausalLM.from_pretrained(base, attn_implementation=NAME)
    packed = group(3)
    with torch.no_grad():
        losses = [
            torch.nn.functional.cross_entropy(
                bare(torch.tensor([ids])).logits[0], torch.tensor(labels), ignore_index=-100, reduction="none"
            )[torch.tensor(labels) >= 0]
            for ids, labels in alone(packed)
        ]
        wanted, _ = token_losses(ours, packed)
    torch.testing.assert_close(torch.cat(losses), wanted, atol=1e-5, rtol=1e-5)


def test_it_shows_both_speeds_for_the_same_tokens_and_questions(base: Path) -> None:
    from benchmarks.training_speed import alone, compare

    groups = [group(0), group(10)]
    figures = compare(base, groups, Training(rank=2, alpha=4, dtype="float32"))
    assert [figure.unit for figure in figures] == ["tokens/s", "questions/s"] * 2
    assert all(figure.value > 0 and figure.ratio for figure in figures)
    tokens = sum(len(ids) for packed in groups for ids, _ in alone(packed))
    for by_token, by_question in (figures[:2], figures[2:]):
        assert by_token.value / by_question.value == pytest.approx(tokens / 6)
        assert by_token.ratio == pytest.approx(by_question.ratio)
