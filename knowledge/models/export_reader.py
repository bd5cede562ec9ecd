"""Make reader.int8.onnx from trained weights: `python -m knowledge.models.export_reader RUN BASE`.

RUN is a folder that `python -m assistant.adaptation.reader.train` wrote, BASE the folder of all-mpnet-base-v2 that it
began with. Needs onnx, not torch.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from knowledge.models import export
from knowledge.models.graph import MPNET, Array, Encoder, Graph, Inputs, build, outlier_channels, read_safetensors

GRAPH = "reader"
NAME = f"{GRAPH}.int8.onnx"
WORDS, MATRICES, TOKENIZER = "reader.words.bin", "reader.matrices.bin", "reader.tokenizer.json"
PAGE = 4096  # bytes: where a tensor of a file that is mapped into memory may begin
MPNET_NAMES = {  # of a layer: BERT's for the same
    "attention.attn.q": "attention.self.query",
    "attention.attn.k": "attention.self.key",
    "attention.attn.v": "attention.self.value",
    "attention.attn.o": "attention.output.dense",
    "attention.LayerNorm": "attention.output.LayerNorm",
}


def spans(graph: Graph, x: str) -> onnx.ValueInfoProto:
    """Add the scores of each token as an answer's first and last one: "spans" (float32, (batch, tokens, 2))."""
    scores = graph.node("MatMul", [x, graph.const("out.w", graph.weights["out.weight"].T)], "scores")
    graph.node("Add", [scores, graph.const("out.b", graph.weights["out.bias"])], "spans")
    return helper.make_tensor_value_info("spans", TensorProto.FLOAT, ["batch", "tokens", 2])


def encode(tokenizer: Tokenizer, question: str, text: str) -> Inputs:
    """Return the inputs of the float graph for one pair."""
    ids = np.array([tokenizer.encode(question, text).ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def renamed(weights: dict[str, Array]) -> dict[str, Array]:
    """Return MPNet's tensors under BERT's names."""
    found = {}
    for name, value in weights.items():
        for own, other in MPNET_NAMES.items():
            name = name.replace(f".{own}.", f".{other}.")
        found[name] = value
    return found


def apart(model: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Return `model` without its words and matrices, and the files of these, which are mapped into memory as they are.

    There are two, because hosts of repositories refuse files of more than 100 MB.
    """
    loaded, files = onnx.load_from_string(model), {WORDS: b"", MATRICES: b""}
    for tensor in loaded.graph.initializer:
        if tensor.data_type != onnx.TensorProto.INT8 or len(tensor.raw_data) < PAGE:
            continue
        name = WORDS if tensor.name == "words" else MATRICES
        places = {"location": name, "offset": str(len(files[name])), "length": str(len(tensor.raw_data))}
        files[name] += tensor.raw_data + bytes(-len(tensor.raw_data) % PAGE)
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in places.items():
            tensor.external_data.add(key=key, value=value)
    slim: bytes = loaded.SerializeToString(deterministic=True)
    return slim, files


def write(weights: dict[str, Array], encoder: Encoder, tokenizer_file: Path, folder: Path) -> None:
    """Write the reader with `weights` and the tokenizer into `folder`, with their lines of SHA256SUMS.

    Outlier channels are found on the calibration texts.
    """
    weights = renamed(weights)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    texts = [line for line in (export.HERE / "calibration.txt").read_text("utf-8").splitlines() if line.strip()]
    pairs = [encode(tokenizer, f"What is said of {text.split()[0]}?", text) for text in texts]
    outliers = outlier_channels(encoder, lambda watch: build(GRAPH, encoder, weights, {}, spans, watch), pairs)
    made, files = apart(build(GRAPH, encoder, weights, outliers, spans))
    for name, content in {NAME: made, **files}.items():
        (folder / name).write_bytes(content)
    shutil.copyfile(tokenizer_file, folder / TOKENIZER)
    export.write_sums(folder, NAME, *files, TOKENIZER)


def main(arguments: list[str]) -> None:
    """Write the reader that ships."""
    run, base = (Path(argument) for argument in arguments)
    write(read_safetensors(run / "model.safetensors"), MPNET, base / "tokenizer.json", export.HERE)


if __name__ == "__main__":
    main(sys.argv[1:])
