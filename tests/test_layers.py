"""Imports follow the arrows of docs/architecture.md: assistant -> ingest -> knowledge, assistant -> skills."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# package -> packages of ours that it may import besides itself
ARROWS: dict[str, set[str]] = {
    "egress": set(),
    "knowledge": set(),
    "skills": {"egress"},
    "ingest": {"knowledge", "egress"},
    "assistant": {"ingest", "knowledge", "skills", "egress"},
    "ui": set(),
}

# foreign library -> the only places that may import it
CONFINED: dict[str, tuple[str, ...]] = {
    "semantic_kernel": ("assistant/orchestration/",),
    "chromadb": ("knowledge/store.py",),
    "tantivy": ("knowledge/keyword.py", "knowledge/words.py"),
    "onnxruntime": ("knowledge/", "ingest/recognise.py"),
    "streamlit": ("ui/",),
    "torch": ("assistant/adaptation/", "knowledge/models/export.py", "assistant/models/vllm/cpu_server.py"),
    "transformers": ("assistant/adaptation/",),
    "peft": ("assistant/adaptation/",),
    "sentence_transformers": ("assistant/adaptation/", "knowledge/models/export.py"),
    "openvino_genai": ("assistant/models/local/",),
    "xllamacpp": ("assistant/models/local/",),
    "jwt": ("assistant/widgets/tokens.py",),
    "requests": (),
    "aiohttp": ("assistant/models/openai_http.py",),
    "urllib3": (),
}


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imports(path: Path) -> list[tuple[str, int, bool]]:
    """Return (top-level package, line, inside a function) of every import in a file."""
    tree = ast.parse(path.read_text("utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(name.name.split(".")[0], node.lineno, id(node) in inside) for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module.split(".")[0], node.lineno, id(node) in inside))
    return found


@pytest.mark.parametrize("package", ARROWS)
def test_it_imports_only_along_the_arrows(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in _modules(package)
        for name, line, _ in _imports(path)
        if name in ARROWS and name != package and name not in ARROWS[package]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("package", ARROWS)
def test_it_never_imports_our_own_modules_inside_a_function(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name} inside a function"
        for path in _modules(package)
        for name, line, nested in _imports(path)
        if nested and name in ARROWS
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", CONFINED)
def test_it_keeps_a_library_where_it_belongs(library: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in ARROWS
        for path in _modules(package)
        for name, line, _ in _imports(path)
        if name == library and not str(path.relative_to(ROOT)).startswith(CONFINED[library] or ("-",))
    ]
    assert not wrong, f"{library} is imported outside {CONFINED[library]}: {wrong}"


def test_it_has_no_import_cycles_between_modules() -> None:
    names = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ARROWS
        for path in _modules(package)
    }
    graph = {name: _targets(path, set(names)) - {name} for name, path in names.items()}
    done: set[str] = set()
    for start in graph:
        _walk(start, graph, [], done)


def _targets(path: Path, known: set[str]) -> set[str]:
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names if name.name in known}
        elif isinstance(node, ast.ImportFrom) and node.module:
            members = {f"{node.module}.{name.name}" for name in node.names}
            found |= (members & known) or ({node.module} & known)
    return found


def _walk(name: str, graph: dict[str, set[str]], path: list[str], done: set[str]) -> None:
    assert name not in path, "import cycle: " + " -> ".join([*path[path.index(name) :], name])
    if name in done:
        return
    for target in sorted(graph[name]):
        _walk(target, graph, [*path, name], done)
    done.add(name)


def test_only_settings_reads_the_environment() -> None:
    wrong = []
    for package in ARROWS:
        for path in _modules(package):
            text = path.read_text("utf-8")
            if path.relative_to(ROOT).as_posix() == "assistant/settings.py":
                continue
            wrong += [
                f"{path.relative_to(ROOT)}:{number}"
                for number, line in enumerate(text.splitlines(), start=1)
                if ("os.environ" in line or "os.getenv" in line) and "for a child" not in line
            ]
    assert not wrong, "read settings instead of the environment: " + ", ".join(wrong)
