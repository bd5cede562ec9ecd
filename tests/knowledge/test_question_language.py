"""The language of one question, judged by few words."""

from __future__ import annotations

import pytest

from knowledge.words import language_of_question

QUESTIONS = {
    "german": [
        "Wie viele Urlaubstage bekomme ich?", "Wer bezahlt das Parkticket?", "Wann beginnt die Probezeit?",
        "Was kostet ein Parkplatz?", "Wie lange dauert Elternzeit?", "Kann man Urlaub übertragen?",
    ],
    "french": [
        "Combien de jours de congé ai-je par an ?", "Quand commence le télétravail ?", "Comment demander un congé ?",
        "Où est la salle de sport ?", "Qui paie le parking ?", "Donnez-moi les règles de voyage.",
    ],
    "spanish": ["¿Cuántos días de vacaciones tengo por año?", "¿Quién paga el aparcamiento de la oficina?"],
    "russian": ["Сколько дней отпуска?"],
    "english": [
        "How many days of leave do I get?", "I'm still waiting for my new card.", "set a timer for me",
        "give me a refund", "remind me in an hour", "sick leave", "OKRs", "",
        "Who founded Das Haus?", "What is the Place de la Concorde?",
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_question_is_known_by_its_words(language: str) -> None:
    assert [each for each in QUESTIONS[language] if language_of_question(each) != language] == []
