"""GGUF -> a folder of safetensors that transformers, peft and vLLM read; made once for each file."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
import transformers

from assistant.adaptation.adapter import sha256


def unpack(gguf_file: Path, cache_dir: Path) -> Path:
    """Return the folder with the dequantised weights and the tokenizer of a GGUF file, made if it is not there yet."""
    folder = cache_dir / f"base-{sha256(gguf_file)[:16]}"
    if folder.exists():
        return folder
    where = {"gguf_file": gguf_file.name}
    model = transformers.AutoModelForCausalLM.from_pretrained(
        gguf_file.parent,
        quantization_config=transformers.GgufConfig(dequantize=True),  # packed weights could not be saved again
        dtype=torch.float32,
        **where,
    )
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=f"{folder.name}-") as scratch:
        made = Path(scratch) / "model"
        model.save_pretrained(made)
        transformers.AutoTokenizer.from_pretrained(gguf_file.parent, **where).save_pretrained(made)
        try:
            made.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first, with the same content
                raise
    return folder


if __name__ == "__main__":  # python -m assistant.adaptation.unpacked_base FILE.gguf FOLDER
    print(unpack(Path(sys.argv[1]), Path(sys.argv[2])))
