"""The product's environment leaves out packages that its libraries declare; everything we use starts without them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEFT_OUT = re.findall(r"^([a-z-]+) ;", (ROOT / "requirements" / "left-out.txt").read_text(), re.MULTILINE)
MODULES = {
    "hf-xet": "hf_xet",
    "openvino-telemetry": "openvino_telemetry",
    "azure-ai-agents": "azure.ai.agents",
    "azure-ai-projects": "azure.ai.projects",
}
NEVER = ["torch", "transformers", "peft", "sentence_transformers"]

BLOCK = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}} in the product's environment", name=name)
sys.meta_path.insert(0, Refuse())
"""

COMMANDS = "import sys, typer, assistant.cli.main as main; group = typer.main.get_command(main.app)"
EVERY_COMMAND = COMMANDS + "; assert all(group.get_command(None, name) for name in group.list_commands(None))"


def _without(code: str) -> subprocess.CompletedProcess[str]:
    blocked = [MODULES.get(name, name) for name in LEFT_OUT] + NEVER
    script = BLOCK.format(blocked=[name for name in blocked if name]) + code
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=120)


@pytest.mark.parametrize(
    "module",
    [
        "assistant.serving",
        "assistant.app",
        "assistant.turn",
        "assistant.work",
        "assistant.evaluation",
        "ui.app",
        "assistant.models.local.openvino",
    ],
)
def test_it_imports_without_what_is_left_out_and_without_torch(module: str) -> None:
    result = _without(f"import importlib; importlib.import_module({module!r})")
    assert result.returncode == 0, result.stderr[-2000:]


def test_every_command_is_made_without_what_is_left_out_and_without_torch() -> None:
    result = _without(EVERY_COMMAND)
    assert result.returncode == 0, result.stderr[-2000:]


def test_each_lock_pins_what_the_smaller_ones_pin() -> None:
    app, train, dev = (_pins(f"{name}.txt") for name in ("app", "train", "dev"))
    assert {"psycopg", "openvino"} <= app.keys() and {"peft", "trl"} <= train.keys() and "pytest" in dev
    assert not {"torch", "peft"} & app.keys() and "pytest" not in train
    assert app.items() <= train.items() <= dev.items()


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / lock).read_text()
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", text, re.MULTILINE))


def test_it_builds_a_semantic_kernel_without_what_is_left_out() -> None:
    code = "import asyncio, semantic_kernel; from semantic_kernel import Kernel; Kernel()"
    assert _without(code).returncode == 0


def test_it_stores_vectors_without_what_is_left_out(tmp_path: Path) -> None:
    code = f"""
import chromadb
client = chromadb.PersistentClient({str(tmp_path)!r}, settings=chromadb.Settings(anonymized_telemetry=False))
collection = client.create_collection("abc", embedding_function=None)
collection.add(ids=["1"], embeddings=[[1.0, 2.0]])
assert collection.query(query_embeddings=[[1.0, 2.0]], n_results=1)["ids"] == [["1"]]
"""
    result = _without(code)
    assert result.returncode == 0, result.stderr[-2000:]


def test_the_command_line_does_not_wait_for_heavy_libraries() -> None:
    heavy = ["semantic_kernel", "chromadb", "streamlit", "onnxruntime", "torch", "fastapi", "pandas"]
    code = f"{EVERY_COMMAND}; print([name for name in {heavy!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr[-2000:]


def test_starting_the_processes_does_not_wait_for_the_other_commands() -> None:
    code = f"{COMMANDS}; assert group.get_command(None, 'up')"
    code += "; print('numpy' in sys.modules, 'assistant.cli.ask' in sys.modules); print(*group.list_commands(None))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    loaded, names = result.stdout.splitlines()
    assert loaded == "False False", result.stderr[-2000:]
    assert names.split()[:6] == ["up", "serve", "worker", "engine", "ui", "ingest"]
