"""The encoders of MiniLM and MPNet as ONNX graphs with 8-bit words and 7-bit matrices, written by hand.

So three things hold which the usual dynamic quantisation does not give:
a text's result does not depend on what else is in its batch (activations are quantised per token, not per tensor);
sums cannot saturate on CPUs without VNNI (weights have 7 bits: 255 * 63 * 2 < 2**15, the width of AVX2's vpmaddubsw);
outlier channels do not eat the resolution of the others (they are scaled down before, and the weights up; Xiao et al.
2022, "SmoothQuant"). Compared in docs/experiments/2026-11-embedding-quantisation.md.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.float32]
Inputs = dict[str, npt.NDArray[np.int64]]

POSITIONS = 512
SMOOTHING = 0.5  # share of an outlier that moves from the activations into the weights
WEIGHT_STEPS = 63  # 7 bits
NEARNESS, FARTHEST = "encoder.relative_attention_bias.weight", 128  # MPNet's; tokens farther apart are all as far
MICROSOFT = "com.microsoft"  # fused operators, part of every onnxruntime build


@dataclass(frozen=True, slots=True)
class Encoder:
    """The shape of an encoder; its tensors have BERT's names."""

    layers: int
    heads: int
    width: int
    epsilon: float  # of its layer normalisation
    first_position: int = 0  # row of the table of positions that belongs to the first token


MINILM = Encoder(layers=6, heads=12, width=384, epsilon=1e-12)  # Wang et al. 2020
MPNET = Encoder(layers=12, heads=12, width=768, epsilon=1e-5, first_position=2)  # Song et al. 2020


@dataclass(slots=True)
class Graph:
    """Nodes and constants of the graph under construction."""

    encoder: Encoder
    weights: dict[str, Array]
    outliers: dict[str, Array]  # tensor name -> largest magnitude per channel; empty: build the float graph
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def const(self, name: str, value: npt.ArrayLike) -> str:
        """Add a constant once and return its name."""
        self.constants.setdefault(
            name, numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        )
        return name

    def node(
        self, kind: str, inputs: list[str], *outputs: str, domain: str = "", **attributes: int | float | list[int]
    ) -> str:
        """Add a node and return the name of its first output."""
        self.nodes.append(helper.make_node(kind, inputs, list(outputs), None, None, domain, None, **attributes))
        return outputs[0]

    def norm(self, weights: str, inputs: list[str], output: str) -> str:
        """Add layer normalisation of the sum of `inputs` (value; or value, residual, bias)."""
        gain = self.const(weights + ".g", self.weights[weights + ".weight"])
        shift = self.const(weights + ".b", self.weights[weights + ".bias"])
        if len(inputs) == 1:
            return self.node("LayerNormalization", [*inputs, gain, shift], output, epsilon=self.encoder.epsilon)
        value, residual, bias = inputs
        terms = [value, residual, gain, shift, bias]
        return self.node("SkipLayerNormalization", terms, output, domain=MICROSOFT, epsilon=self.encoder.epsilon)

    def product(self, x: str, weights: Array, output: str) -> str:
        """Add x @ weights, with weights of shape (inputs, outputs), in integers unless this is the float graph."""
        if not self.outliers:
            return self.node("MatMul", [x, self.const(output + ".w", weights)], output)
        scale = self._smoothing(x, weights)
        codes, steps = self._quantised_input(x, scale)
        smooth = weights * scale[:, None]
        weight_steps = np.maximum(np.abs(smooth).max(axis=0), 1e-12) / WEIGHT_STEPS  # one per output
        integers = np.clip(np.round(smooth / weight_steps), -WEIGHT_STEPS, WEIGHT_STEPS).astype(np.int8)
        operands = [
            codes,
            self.const(output + ".w", integers),
            self.const("one", np.float32(1)),
            self.const(output + ".s", weight_steps.astype(np.float32)),
            self.const("middle", np.uint8(128)),
            self.const("zero", np.int8(0)),
        ]
        raw = self.node("MatMulIntegerToFloat", operands, output + ".raw", domain=MICROSOFT)
        return self.node("Mul", [raw, steps], output)

    def _smoothing(self, x: str, weights: Array) -> Array:
        if x not in self.outliers:
            return np.ones(len(weights), np.float32)
        high = np.maximum(self.outliers[x], 1e-3) ** SMOOTHING
        scale: Array = (high / np.maximum(np.abs(weights).max(axis=1), 1e-4) ** (1 - SMOOTHING)).astype(np.float32)
        return scale

    def _quantised_input(self, x: str, scale: Array) -> tuple[str, str]:
        """Return the names of x's 8-bit codes and of the step size per token."""
        smooth = self.node("Mul", [x, self.const(x + ".smooth", 1 / scale)], x + ".smoothed")
        magnitude = self.node("Abs", [smooth], x + ".abs")
        highest = self.node("ReduceMax", [magnitude, self.const("last", np.array([-1]))], x + ".max", keepdims=1)
        highest = self.node("Max", [highest, self.const("least", np.float32(1e-9))], x + ".divisor")
        steps = self.node("Mul", [highest, self.const("per_step", np.float32(1 / 127))], x + ".steps")
        floats = self.node("Div", [smooth, steps], x + ".floats")
        shifted = self.node("Add", [floats, self.const("round", np.float32(128.5))], x + ".shifted")
        return self.node("Cast", [shifted], x + ".codes", to=TensorProto.UINT8), steps


Head = Callable[[Graph, str], onnx.ValueInfoProto]  # adds what follows the encoder's last tensor; returns the output


def build(
    name: str,
    encoder: Encoder,
    weights: dict[str, Array],
    outliers: dict[str, Array],
    head: Head,
    watch: Sequence[str] = (),
) -> bytes:
    """Return the model: input_ids and attention_mask (int64, (batch, tokens)) to what `head` puts out.

    `watch` names inner tensors to be put out as well. The same versions of onnx and numpy give the same bytes.
    """
    graph = Graph(encoder, weights, outliers)
    x = _embeddings(graph)
    mask = graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    near = [_nearness(graph)] if NEARNESS in weights else []
    for layer in range(encoder.layers):
        x = _layer(graph, layer, x, [mask, *near])
    outputs = [head(graph, x)]
    outputs += [helper.make_tensor_value_info(inner, TensorProto.FLOAT, None) for inner in watch]
    inputs = [
        helper.make_tensor_value_info(given, TensorProto.INT64, ["batch", "tokens"])
        for given in ("input_ids", "attention_mask")
    ]
    built = helper.make_graph(graph.nodes, name, inputs, outputs, list(graph.constants.values()))
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(built, opset_imports=opsets, ir_version=9, producer_name="knowledge.models.export")
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _embeddings(graph: Graph) -> str:
    words = graph.weights["embeddings.word_embeddings.weight"]
    if graph.outliers:  # half of the file: one byte per value and a step size per word
        steps = np.maximum(np.abs(words).max(axis=1, keepdims=True), 1e-12) / 127
        codes = np.round(words / steps).astype(np.int8)
        looked_up = graph.node("Gather", [graph.const("words", codes), "input_ids"], "word.codes")
        floats = graph.node("Cast", [looked_up], "word.floats", to=TensorProto.FLOAT)
        word_steps = graph.node("Gather", [graph.const("words.steps", steps), "input_ids"], "word.steps")
        word = graph.node("Mul", [floats, word_steps], "word")
    else:
        word = graph.node("Gather", [graph.const("words", words), "input_ids"], "word")
    first = graph.encoder.first_position
    table = graph.weights["embeddings.position_embeddings.weight"][first : first + POSITIONS]
    kinds = graph.weights.get("embeddings.token_type_embeddings.weight")
    if kinds is not None:  # all texts are of kind 0, so its vector is part of every position's
        table = table + kinds[0]
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    position = graph.node(
        "Slice", [graph.const("positions", table), graph.const("begin", np.array([0])), length], "position"
    )
    return graph.norm("embeddings.LayerNorm", [graph.node("Add", [word, position], "embedded")], "x0")


def _nearness(graph: Graph) -> str:
    """Add what MPNet adds to attention for the distance of two tokens, (1, heads, tokens, tokens); from Raffel 2020."""
    table = graph.weights[NEARNESS]
    apart = np.arange(1 - POSITIONS, POSITIONS)  # of the token that is attended to, from the one that attends
    half = len(table) // 2
    exact, far = half // 2, np.maximum(np.abs(apart), 1)
    wide = exact + (np.log(far / exact) / np.log(FARTHEST / exact) * (half - exact)).astype(np.int64)
    buckets = np.where(np.abs(apart) < exact, np.abs(apart), np.minimum(wide, half - 1)) + half * (apart > 0)
    scalar = graph.node("Squeeze", ["length"], "tokens")
    place = graph.node("Range", [graph.const("nought", np.int64(0)), scalar, graph.const("unit", np.int64(1))], "place")
    row = graph.node("Unsqueeze", [place, graph.const("first", np.array([0]))], "place.row")
    column = graph.node("Unsqueeze", [place, graph.const("second", np.array([1]))], "place.column")
    distance = graph.node("Sub", [row, column], "distance")
    number = graph.node("Add", [distance, graph.const("farthest", np.int64(POSITIONS - 1))], "distance.number")
    each = graph.node("Gather", [graph.const("nearness", table[buckets]), number], "nearness.each")
    heads = graph.node("Transpose", [each], "nearness.heads", perm=[2, 0, 1])
    return graph.node("Unsqueeze", [heads, graph.const("first", np.array([0]))], "nearness.bias")


def _layer(graph: Graph, number: int, x: str, masks: list[str]) -> str:
    name = f"encoder.layer.{number}."

    def weight(part: str) -> Array:
        transposed: Array = graph.weights[f"{name}{part}.weight"].T
        return transposed

    def bias(*parts: str) -> str:
        values = np.concatenate([graph.weights[f"{name}{part}.bias"] for part in parts])
        return graph.const(f"{name}{parts[0]}.bias", values)

    heads = ("attention.self.query", "attention.self.key", "attention.self.value")
    joint = graph.product(x, np.concatenate([weight(part) for part in heads], axis=1), f"qkv{number}")
    names = [f"q{number}", f"k{number}", f"v{number}"]
    graph.node("Split", [joint], *names, axis=2, num_outputs=3)
    attended = graph.node(
        "MultiHeadAttention", [*names, bias(*heads), *masks], f"a{number}", domain=MICROSOFT,
        num_heads=graph.encoder.heads,
    )  # fmt: skip
    mixed = graph.product(attended, weight("attention.output.dense"), f"o{number}")
    y = graph.norm(name + "attention.output.LayerNorm", [mixed, x, bias("attention.output.dense")], f"y{number}")
    wide = graph.product(y, weight("intermediate.dense"), f"h{number}")
    active = graph.node("BiasGelu", [wide, bias("intermediate.dense")], f"g{number}", domain=MICROSOFT)
    narrow = graph.product(active, weight("output.dense"), f"d{number}")
    return graph.norm(name + "output.LayerNorm", [narrow, y, bias("output.dense")], f"x{number + 1}")


def outlier_channels(
    encoder: Encoder, float_graph: Callable[[Sequence[str]], bytes], texts: Iterable[Inputs]
) -> dict[str, Array]:
    """Return the largest magnitude per channel of each layer's two normalised tensors, over encoded `texts`.

    `float_graph` builds the model in floats with the tensors that it is given the names of put out.
    """
    names = tuple(f"{kind}{layer}" for layer in range(encoder.layers) for kind in "xy")
    session = onnxruntime.InferenceSession(float_graph(names), providers=["CPUExecutionProvider"])
    highest = {name: np.zeros(encoder.width, np.float32) for name in names}
    for inputs in texts:
        for name, value in zip(names, session.run(list(names), inputs), strict=True):
            highest[name] = np.maximum(highest[name], np.abs(value[0]).max(axis=0))
    # Rounded, so that another CPU's last bits do not change the file.
    return {name: _to_quarter_octaves(high) for name, high in highest.items()}


def _to_quarter_octaves(values: Array) -> Array:
    rounded: Array = (2.0 ** (np.round(np.log2(np.maximum(values, 1e-3)) * 4) / 4)).astype(np.float32)
    return rounded


def read_safetensors(path: Path) -> dict[str, Array]:
    """Return the float32 tensors of a safetensors file by name."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    tensors = {}
    for name, entry in json.loads(raw[8 : 8 + length]).items():
        if entry.get("dtype") == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(raw[begin:end], "<f4").reshape(entry["shape"])
    return tensors
