"""An adapter's matrices held against its configuration and its base model: names, pairs, sizes, magnitudes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_NAME = re.compile(r"base_model\.model\.(?P<place>[\w.]+\.(?P<module>\w+))\.lora_(?P<side>[AB])\.weight")
_LAYER = re.compile(r"(?:^|\.)layers\.(\d{1,6})\.")

# What float32 still holds can overflow in the server's 16 bits, and one request with such an adapter leaves NaN in the
# cache that all models share. Measured on the adapter that ships: no value above 0.11, and a root mean square of the
# scaled product between 0.003 and 0.006, where the base's own matrices have 0.13 to 0.29 (larger models have less).
MAX_VALUE = 100.0
MAX_UPDATE = 1.0  # 170 times the largest honest one, and more than any matrix that it could correct

# Architectures whose matrices all have the sizes that their config.json spells out.
_PLAIN = frozenset({"llama", "mistral", "qwen2", "qwen3"})
EMBEDDED_CONFIG: Mapping[str, object] = {
    "model_type": "llama",
    "hidden_size": 576,
    "intermediate_size": 1536,
    "num_attention_heads": 9,
    "num_key_value_heads": 3,
    "num_hidden_layers": 30,
}


@dataclass(frozen=True, slots=True)
class Lora:
    """What the configuration says of each matrix; the patterns' keys are ends of dotted names."""

    r: int
    alpha: float
    rank_stabilised: bool
    ranks: Mapping[str, int]
    alphas: Mapping[str, float]
    targets: frozenset[str]

    def rank(self, place: str) -> int:
        """Return the rank at a place such as model.layers.3.mlp.up_proj."""
        return next((rank for end, rank in self.ranks.items() if _ends(place, end)), self.r)

    def scaling(self, place: str) -> float:
        """Return what B @ A is multiplied by there."""
        alpha = next((alpha for end, alpha in self.alphas.items() if _ends(place, end)), self.alpha)
        rank = self.rank(place)
        return alpha / (rank**0.5 if self.rank_stabilised else rank)


@dataclass(frozen=True, slots=True)
class Base:
    """The matrices of a base model: its layers, and of each place how many numbers go in and come out."""

    layers: int
    widths: Mapping[str, tuple[int, int]]


def base_of(config: Mapping[str, object]) -> Base | None:
    """Return the matrices of the model with this config.json; None when its architecture is not one that we know."""
    names = ("hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers")
    known = [value for name in names if isinstance(value := config.get(name), int) and value > 0]
    if config.get("model_type") not in _PLAIN or len(known) < len(names):
        return None
    hidden, inner, heads, layers = known
    head = _given(config, "head_dim", hidden // heads)
    queries, keys = heads * head, _given(config, "num_key_value_heads", heads) * head
    each = {"self_attn.q_proj": (hidden, queries), "self_attn.o_proj": (queries, hidden)}
    each |= {f"self_attn.{name}_proj": (hidden, keys) for name in "kv"}
    each |= {f"mlp.{name}_proj": (hidden, inner) for name in ("gate", "up")} | {"mlp.down_proj": (inner, hidden)}
    widths = {f"model.layers.{n}.{place}": sizes for n in range(layers) for place, sizes in each.items()}
    return Base(layers, widths)


def problem(tensors: Mapping[str, Matrix], lora: Lora, base: Base | None) -> str:
    """Return what is wrong with an adapter's matrices, naming the first of them; "" when nothing is.

    Without a `base`, sizes that would have to fit it are not looked at. Expects finite numbers.
    """
    for name in sorted(tensors):
        if wrong := _misnamed(name, tensors, lora) or _misshapen(name, tensors, lora, base):
            return f"{name[:120]!r} {wrong}"
    for name in sorted(name for name in tensors if name.endswith(".lora_A.weight")):
        if wrong := _oversized(name, tensors, lora):
            return f"{name[:120]!r} {wrong}"
    return ""


def _misnamed(name: str, tensors: Mapping[str, Matrix], lora: Lora) -> str:
    found = _NAME.fullmatch(name)
    if found is None:
        return "is no matrix of a LoRA; expected base_model.model.(place).lora_A.weight or .lora_B.weight"
    if found["module"] not in lora.targets:
        return f"belongs to {found['module']}, which its target_modules do not name"
    other = _other(name)
    return "" if other in tensors else f"stands alone; expected {other[-13:]} beside it"


def _misshapen(name: str, tensors: Mapping[str, Matrix], lora: Lora, base: Base | None) -> str:
    place, first, size = _place(name), ".lora_A." in name, tensors[name].shape
    if len(size) != 2:
        return f"has {len(size)} dimensions; expected 2"
    rank, width = (size[0], size[1]) if first else (size[1], size[0])
    if rank != lora.rank(place):
        return f"has the rank {rank}; expected {lora.rank(place)}, as its configuration says"
    if base is None:
        return ""
    layer = _LAYER.search(place)
    if layer and int(layer[1]) >= base.layers:
        return f"changes layer {int(layer[1])}; expected 0 to {base.layers - 1}, which the base model has"
    if place not in base.widths:
        return "changes what the base model does not have"
    expected = base.widths[place][0 if first else 1]
    return "" if width == expected else f"is {width} wide; expected {expected}, as the base model is"


def _oversized(name: str, tensors: Mapping[str, Matrix], lora: Lora) -> str:
    a, b = tensors[name], tensors[_other(name)]
    largest = max(float(np.abs(a).max(initial=0)), float(np.abs(b).max(initial=0)))
    if largest > MAX_VALUE:
        return f"and its pair hold values of {largest:.3g}; expected at most {MAX_VALUE:g}, or the server overflows"
    # |B @ A|^2 is the sum over (B' @ B) * (A @ A'), which are small.
    total = float(((b.T @ b).astype(np.float64) * (a @ a.T)).sum())
    update = abs(lora.scaling(_place(name))) * (max(total, 0.0) / (a.shape[1] * b.shape[0])) ** 0.5
    if update <= MAX_UPDATE:
        return ""
    return f"and its pair change weights by {update:.3g} on average; expected at most {MAX_UPDATE:g}"


def _place(name: str) -> str:
    return name.removeprefix("base_model.model.")[: -len(".lora_A.weight")]


def _other(name: str) -> str:
    return name[:-8] + ("B" if name[-8] == "A" else "A") + name[-7:]


def _ends(place: str, end: str) -> bool:
    return place == end or place.endswith(f".{end}")


def _given(config: Mapping[str, object], name: str, otherwise: int) -> int:
    value = config.get(name)
    return value if isinstance(value, int) and value > 0 else otherwise
