"""What ratings become, and why some become nothing, in words."""

from __future__ import annotations

from typing import Literal

Kind = Literal["put_right", "rated_up", "unanswerable"]
KINDS: tuple[Kind, ...] = ("put_right", "rated_up", "unanswerable")  # of two to one question, the first is kept
MADE = {
    "put_right": "put right by a curated answer",
    "rated_up": "answers rated up",
    "unanswerable": "rated up for saying that the documents do not say",
}
LEFT_OUT = {
    "rated_down": "rated down, and no curated answer puts it right",
    "widget_visitor": "rated by a visitor of a widget",
    "person_gone": "whoever asked has no account any more, or it is suspended",
    "no_answer": "there was no answer",
    "personal_notes": "the question or the answer may hold a person's own notes",
    "cites_nothing": "the answer cites no passage",
    "passage_gone": "a passage is gone, was changed, or belongs to a file of somebody's chat",
    "passage_closed": "a passage or curated answer is not for all whom the adapter answers, or not for who asked",
    "words_not_in_passages": "the words of the answer do not stand in its passages",
    "same_question": "the same question was asked and rated before, or put right",
    "other_language": "another language than most rows: a file holds one",
    "too_many": "older than the newest ones that are read",
}
