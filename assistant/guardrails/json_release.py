"""Release of an answer in JSON: held back to its end, since nothing that was shown can be taken back, then checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from assistant.guardrails.json_check import Checked, JsonJudge
from assistant.guardrails.output import Output
from assistant.guardrails.quoting import cite
from assistant.guardrails.release import Released
from assistant.threads import in_thread
from assistant.types import Citation
from knowledge.types import Passage

CUT_OFF = (
    "The answer reached its limit of tokens before its JSON was whole. Allow more tokens, or ask for less at once."
)
NO_JSON = "The model wrote no JSON that could be checked. Ask again, or ask another model."


class JsonRelease:
    """Releases one answer from documents that a schema gives its form; a sentence where there is no whole JSON."""

    settled = False  # where the documents do not say, only the whole answer shows it

    def __init__(
        self, check: JsonJudge, schema: Mapping[str, Any], output: Output, passages: Sequence[Passage]
    ) -> None:
        """Hold values against `passages` by `check`, and clean the text by `output`."""
        self._check = check
        self._schema = schema
        self._output = output
        self._passages = passages
        self._held = ""
        self.text = ""  # what was released: nothing before the end
        self.checked: Checked | None = None  # None: there was no JSON
        self.check_ms = 0.0

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Return the passages that hold the values, in order of the values; no mark in the JSON names them."""
        if self.checked is None:
            return ()
        said = self.checked.text
        return tuple(cite(n, self._passages[number - 1], said) for n, number in enumerate(self.checked.cited, start=1))

    async def feed(self, text: str) -> list[Released]:
        """Hold `text` back and return nothing."""
        self._held += text
        return []

    async def finish(self, cut_off: bool) -> list[Released]:
        """Return the whole answer as far as it stands in the passages, in one piece; nothing where it does not."""
        started = perf_counter()
        try:
            self.checked = await in_thread(self._check.judge, self._held, self._schema)
            said = self.checked.text
        except ValueError:
            said = CUT_OFF if cut_off else NO_JSON
        self.check_ms += (perf_counter() - started) * 1000
        self.text = self._output.slice(said)
        return [Released(self.text, self.citations)] if self.text else []

    def begin_again(self) -> list[Released]:
        """Forget what was held back: another draft follows. Nothing is to be shown."""
        self._held = ""
        return []
