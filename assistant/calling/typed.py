"""A person types "yes" or "cancel" in the chat in which a call waits: it decides as the call's card does.

Only a whole message of these few words counts, only what the person typed, and only right below the answer that shows
the call. Where more than one call waits in the chat, none is decided.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from assistant import conversations
from assistant.calling import approvals
from assistant.orchestration import tell
from assistant.types import CallToApprove, Decision

# In English, German and French. What can be meant either way ("cancel" below a call that cancels an order) refuses:
# what was refused can be asked for again.
_PLAIN_YES = r"yes|yeah|yep|ok|okay|ja|jawohl|oui"
_PLAIN_NO = r"no|nope|nein|nee|non"
_GO_AHEAD = (
    r"go ahead|go for it|proceed|do it|do that|run it|approve|approve it|approved|i approve|confirm|confirmed|i confirm"
    r"|mach es|mach das|mach mal|tu es|tu das|nur zu|leg los|gerne?|genehmigt|genehmigen|freigeben|freigegeben"
    r"|best[aä]tigt|best[aä]tigen|einverstanden|in ordnung"
    r"|vas[- ]y|allez[- ]y|fais[- ]le|faites[- ]le|d'accord|approuve|approuver|approuv[eé]|je confirme|confirmer"
)
_CANCEL = (
    r"cancel|cancel it|cancel that|refuse|refuse it|refused|reject|reject it|don't|don't do it|don't do that"
    r"|do not do it|do not do that|do not|stop|stop it|abort|never mind|no thanks|no thank you"
    r"|abbrechen|brich ab|brich es ab|ablehnen|abgelehnt|stopp|lass es|lass das|nein danke|nicht ausf[uü]hren"
    r"|mach es nicht|mach das nicht|tu es nicht|tu das nicht"
    r"|annule|annuler|annulez|refuser|refus[eé]|arr[eê]te|arr[eê]tez|laisse tomber|non merci"
    r"|ne le fais pas|ne le faites pas"
)
_PLEASE = r"please|bitte|s'il te pla[iî]t|s'il vous pla[iî]t|svp"


def _whole(plain: str, more: str) -> re.Pattern[str]:
    """Return what fits a plain word, a phrase, or the one before the other, with or without a please."""
    return re.compile(rf"(?:(?:{_PLEASE}) )?(?:(?:{plain})(?: (?:{more}))?|{more})(?: (?:{_PLEASE}))?")


_YES, _NO = _whole(_PLAIN_YES, _GO_AHEAD), _whole(_PLAIN_NO, _CANCEL)
_LONGEST = 40  # characters; a longer message says more than yes or no


@dataclass(frozen=True, slots=True)
class Typed:
    """What a message means for the calls that wait in its chat; nothing at all for almost every message."""

    decisions: tuple[Decision, ...] = ()
    reply: str = ""  # the answer where it does not say which call is meant
    notice: str = ""  # what any other answer tells besides


def verdict(text: str) -> bool | None:
    """Return True for a whole message that says yes, False for one that says no, None for everything else."""
    if len(text) > _LONGEST:
        return None
    said = " ".join(re.sub(r"[,.!\u2026]+", " ", unicodedata.normalize("NFC", text).lower().replace("’", "'")).split())
    return True if _YES.fullmatch(said) else False if _NO.fullmatch(said) else None


def typed(engine: Engine, owner_id: str, conversation_id: str, text: str) -> Typed:
    """Return what `text` means for the calls that wait for its owner in a conversation, as it is shown to them."""
    approved = verdict(text)
    if approved is None:
        return Typed()
    waiting = approvals.waiting_in(engine, owner_id, conversation_id)
    chat = conversations.read(engine, owner_id, conversation_id) if waiting else None
    if chat is None:
        return Typed()
    # What waits in a version of an answer that is not shown has no card here; it stays on the page about skills.
    shown = [turn.id for turn in chat.turns]
    seen = [call for call in waiting if call.turn_id in shown]
    if not seen:
        return Typed()
    if all(call.turn_id != shown[-1] for call in seen):
        return Typed(notice=_further_up([call.call for call in seen]))
    if len(seen) > 1:
        return Typed(reply=_which([call.call for call in seen]))
    return Typed(decisions=((seen[0].id, approved),))


def _which(calls: Sequence[CallToApprove]) -> str:
    """Return the answer to a yes or no that does not say to which call."""
    listed = "\n".join(f"- {tell.call(call)}" for call in calls)
    return (
        f"{len(calls)} calls wait for you in this chat, and a yes or no does not say which one is meant. Nothing has "
        f"been decided: approve or refuse each on its card.\n\n{listed}"
    )


def _further_up(calls: Sequence[CallToApprove]) -> str:
    names = ", ".join(dict.fromkeys(call.skill for call in calls))
    return f"Nothing was decided about what waits for your approval further up ({names}); its card decides."
