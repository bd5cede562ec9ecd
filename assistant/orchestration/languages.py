"""What is said where no answer was found to a question in another language than English.

Where the documents are in English, that they do not say would mislead: the small model and the reader know English, and
may not have understood the question. Elsewhere it is said in the language of the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.guardrails.support import Question
from assistant.types import Answer, Turn
from knowledge.types import Passage
from knowledge.words import is_english, language_of_question

_TOLD = {
    "german": "Ich habe keine Antwort gefunden. Die Dokumente dazu sind auf Englisch: fragen Sie bitte auf Englisch",
    "french": "Je n'ai pas trouvé de réponse. Les documents trouvés sont en anglais : posez la question en anglais",
    "": "I found no answer. The documents found are in English: ask in English",
}
_OR = {
    "german": ", oder bitten Sie die Administration, ein größeres Modell anzubinden",
    "french": ", ou demandez à un administrateur de connecter un modèle plus grand",
    "": ", or have an administrator connect a larger model",
}

_USUAL = "The documents do not say."  # of the prompts that ship; a prompt that somebody changed says it its own way
_SAID = {
    "german": "Die Dokumente sagen dazu nichts.",
    "french": "Les documents ne le disent pas.",
    "spanish": "Los documentos no lo dicen.",
    "italian": "I documenti non lo dicono.",
    "portuguese": "Os documentos não o dizem.",
    "dutch": "De documenten zeggen het niet.",
}


def understood(turn: Turn, answer: Answer) -> Answer:
    """Return an abstention with the reason in place of its text where the question's language was the reason.

    A larger model has understood the question: its abstention says what it means, in the language of the question.
    """
    asked = language_of_question(turn.question)
    if answer.route.tier in ("domain", "other") or not _all_english(answer.nearest):
        return replace(answer, text=_SAID.get(asked, answer.text)) if answer.text == _USUAL else answer
    if (asked == "english" and is_english(turn.question)) or Question(turn.question).english:
        return answer
    spoken = asked if asked in _TOLD else ""
    # How the installation is set up is nothing that visitors of a site can change.
    more = "" if turn.caller.credential == "widget" else _OR[spoken]
    return replace(answer, text=f"{_TOLD[spoken]}{more}.")


def _all_english(passages: Sequence[Passage]) -> bool:
    return bool(passages) and all(is_english(passage.text) for passage in passages)
