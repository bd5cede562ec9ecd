"""Make the environment with vLLM's CPU build: python deploy/vllm/environment.py FOLDER. Doing it twice costs nothing.

It is an environment of its own because vLLM pins other versions than the product. Its torch is the CPU build of
requirements/torch.txt; everything else comes by hash from requirements/vllm.txt. Needs 3.5 GB of disk.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent.parent / "requirements"
LOCKS = ("torch.txt", "vllm.txt")  # whatever installs them, these decide what is installed
READY = ".ready"


def make(folder: Path) -> Path:
    """Return the Python of the environment in `folder`, made anew unless it was made from the present locks."""
    python, wanted = folder / "bin" / "python", _fingerprint()
    if python.exists() and (folder / READY).exists() and (folder / READY).read_text("utf-8") == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS / "uv.txt")], check=True)
    subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS / "torch.txt")], check=True)
    uv = [str(folder / "bin" / "uv"), "pip", "install", "--quiet", "--no-deps", "--python", str(python)]
    linked = {**os.environ, "UV_LINK_MODE": os.environ.get("UV_LINK_MODE", "copy")}
    subprocess.run([*uv, "--require-hashes", "-r", str(REQUIREMENTS / "vllm.txt")], check=True, env=linked)
    (folder / READY).write_text(wanted, "utf-8")
    return python


def _fingerprint() -> str:
    return hashlib.sha256(b"".join((REQUIREMENTS / name).read_bytes() for name in LOCKS)).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    started = time.monotonic()
    print(make(Path(sys.argv[1])))
    print(f"ready after {time.monotonic() - started:.0f} s", file=sys.stderr)
