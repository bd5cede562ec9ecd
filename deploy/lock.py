"""Write the locks in requirements/ from pyproject.toml: python deploy/lock.py  (needs `uv` and the network).

app    what `make run` installs, without torch
train  app and what `assistant adapt train` needs; torch stands in torch.txt, because its CPU build comes from
       another place than its default build and either may be the one at hand
dev    train and test tools
vllm   the CPU build of vLLM, from requirements/vllm.in; deploy/vllm/environment.py installs it
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
COMMON = ["uv", "pip", "compile", "--quiet", "--generate-hashes", "--python-version", "3.11", "--no-annotate"]
HEADER = ["--custom-compile-command", "make lock"]


def compile_lock(source: str, target: str, *options: str) -> None:
    """Resolve `source` into requirements/`target` with hashes; stops the program when nothing resolves."""
    find = [option for link in os.environ.get("PIP_FIND_LINKS", "").split() for option in ("--find-links", link)]
    command = [*COMMON, *HEADER, *find, source, "-o", f"requirements/{target}", *options]
    if subprocess.run(command, cwd=ROOT).returncode:
        sys.exit(f"Could not resolve {source} into requirements/{target}; uv's message above says what conflicts.")


if __name__ == "__main__":
    compile_lock("pyproject.toml", "app.txt", "--override", "requirements/left-out.txt")
    without_torch = ("--no-emit-package", "torch")
    compile_lock("pyproject.toml", "dev.txt", "--extra", "train", "--extra", "dev", *without_torch)
    as_tested = ("--constraint", "requirements/dev.txt")
    compile_lock("pyproject.toml", "train.txt", "--extra", "train", *as_tested, *without_torch)
    left_out = ("--override", "requirements/vllm-left-out.txt")
    compile_lock("requirements/vllm.in", "vllm.txt", *left_out, "--no-emit-package", "torch")
