"""semantic-kernel without its Handlebars compiler, each time in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys

_TRY = """
import sys
from assistant.orchestration import handlebars
with handlebars.left_out():
    import assistant.orchestration.kernel
print(sorted(name for name in sys.modules if name.partition(".")[0] in ("pybars", "pymeta")))
from semantic_kernel.prompt_template import HandlebarsPromptTemplate, KernelPromptTemplate, PromptTemplateConfig
try:
    config = PromptTemplateConfig(template="{{a}}", template_format="handlebars")
    HandlebarsPromptTemplate(prompt_template_config=config)
except Exception as problem:
    print(type(problem).__name__, problem)
print(type(KernelPromptTemplate(prompt_template_config=PromptTemplateConfig(template="{{$a}}"))).__name__)
"""


def _said(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


def test_it_imports_the_kernel_without_the_compiler_and_says_so_when_it_is_wanted() -> None:
    loaded, refused, others = _said(_TRY)
    assert loaded == "[]"
    assert refused.startswith("NotImplementedError Handlebars templates are left out")
    assert others == "KernelPromptTemplate"


def test_it_leaves_a_compiler_alone_that_was_imported_before() -> None:
    code = "import pybars, sys; from assistant.orchestration import handlebars\n"
    code += "with handlebars.left_out(): print(sys.modules['pybars'] is pybars)\n"
    assert _said(code + "print(sys.modules['pybars'] is pybars)") == ["True", "True"]
