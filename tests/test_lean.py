"""What processes without a terminal leave out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_RUN = """
import json, runpy, sys
sys.argv = [{name!r}, "--help"]
try:
    runpy.run_module({name!r}, run_name="__main__", alter_sys=True)
except SystemExit:
    pass
{more}
print(json.dumps(sorted(name for name in ("rich", "pygments") if sys.modules.get(name) is not None)))
"""


def printed(script: str) -> str:
    """Return what a process of its own prints."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def held(name: str, more: str = "") -> list[str]:
    """Return which of the libraries that draw a process holds that ran the module `name`, then `more`."""
    script = _RUN.format(name=name, more=more)
    found: list[str] = json.loads(printed(script).splitlines()[-1])
    return found


@pytest.mark.parametrize(("name", "more"), [("assistant.serve", "import assistant.serving"), ("assistant.work", "")])
def test_a_server_holds_nothing_that_draws_in_a_terminal(name: str, more: str) -> None:
    assert held(name, more) == []


def test_a_worker_without_documents_holds_no_engine_for_models_and_no_cryptography() -> None:
    script = "import sys, assistant.work; print(sorted({'onnxruntime', 'cryptography', 'jwt'} & set(sys.modules)))"
    assert printed(script) == "[]\n"


def test_the_index_holds_no_exporter_of_traces_and_leaves_it_to_others() -> None:
    script = (
        "import sys, knowledge.store; print(sorted({'grpc', 'google.protobuf'} & set(sys.modules)));"
        "from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as it; print(it is None)"
    )
    assert printed(script) == "[]\nFalse\n"


def test_a_command_imports_nothing_that_only_others_need() -> None:
    script = (
        "import sys; from typer.testing import CliRunner; from assistant.cli.main import app\n"
        "print(CliRunner().invoke(app, ['documents', '--help']).exit_code, sorted({'sqlalchemy', 'pypdfium2',"
        " 'assistant.adaptation', 'assistant.cli.skills'} & set(sys.modules)))"
    )
    assert printed(script) == "0 []\n"


def test_a_command_that_imports_a_server_still_draws() -> None:
    script = "import assistant.serve, assistant.work, assistant.cli.output, rich.table"
    subprocess.run([sys.executable, "-c", script], check=True)
