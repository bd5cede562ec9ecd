"""Answers in the making: one thread per running answer reads its stream, the page looks at it a few times a second.

The stream does not hang on a page run, so a click on a citation, a look at another conversation or a reload of the
browser does not cut an answer off, which it would if the page script itself read the stream.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ui.client import Api, Question
from ui.errors import ApiRefused, ApiUnreachable, UiError
from ui.sse import ChatEvent
from ui.transport import NamedFile
from ui.wire import Document, Outcome, Step

RESUME_PAUSES_S = (0.5, 1.0, 2.0, 4.0)  # a restarting API is back within seconds
ATTACHMENT_POLL_S = 0.7
ATTACHMENT_PATIENCE_S = 300.0  # a scanned PDF of some hundred pages on two cores
KEEP_FINISHED_S = 600.0
NO_VISION = "no-vision"  # how the API says that no model may be shown the pictures


@dataclass(frozen=True, slots=True)
class LiveView:
    """How far an answer has come, at one moment."""

    question: str
    replace_turn: str | None = None
    text: str = ""
    waiting: str = ""  # what is being waited for before the question is asked; "" once it is
    steps: tuple[Step, ...] = ()
    notice: str | None = None
    outcome: Outcome | None = None
    error: UiError | None = None
    finished_at: float | None = None  # monotonic seconds; None while it runs

    @property
    def finished(self) -> bool:
        """Whether nothing more will come."""
        return self.finished_at is not None


class LiveTurn:
    """One running answer."""

    def __init__(
        self,
        api: Api,
        question: Question,
        attachments: Iterable[str] = (),
        turn_id: str = "",
        originals: Sequence[NamedFile] = (),
    ) -> None:
        self._api = api
        self._originals = originals  # of the question's pictures, to be read where no model sees them
        self._question = question
        self._running_id = turn_id  # of an answer that somebody else's request started; "" to ask now
        self._attachments = frozenset(attachments)  # document ids to wait for
        self._view = LiveView(question=question.text, replace_turn=question.replace_turn)
        self._last_id = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live-turn", daemon=True)

    @property
    def view(self) -> LiveView:
        """Return the newest state; safe from any thread, because a view is never changed, only replaced."""
        return self._view

    @property
    def question(self) -> Question:
        """Return what was asked."""
        return self._question

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the server to stop; what was said so far is kept. Does nothing once the answer has ended."""
        if self._stopping.is_set() or self._view.finished:
            return
        self._stopping.set()
        self._stop_on_server()

    def wait(self, timeout_s: float) -> bool:
        """Return whether the answer ended within `timeout_s`."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._await_attachments()
            if self._running_id:
                self._read(self._resumed())
            elif not self._stopping.is_set():
                self._ask()
        except UiError as exc:
            self._view = replace(self._view, error=exc)
        finally:
            self._view = replace(self._view, waiting="", finished_at=time.monotonic())

    def _ask(self) -> None:
        """Ask; where no model sees the pictures of the question, attach them as files and ask once they are read."""
        try:
            self._read(self._api.ask(self._question))
        except ApiRefused as refused:
            if refused.code != NO_VISION or not self._originals:
                raise
            upload = self._api.attach(self._question.conversation_id, self._originals)
            if not upload.documents and upload.refused:
                raise ApiRefused(422, "Refused", upload.refused[0].reason, upload.refused[0].code) from refused
            self._attachments |= {accepted.document for accepted in upload.documents}
            self._question = replace(self._question, pictures=())
            self._await_attachments()
            if not self._stopping.is_set():
                self._read(self._api.ask(self._question))

    def _read(self, events: Iterator[ChatEvent]) -> None:
        """Take in `events`; when the line breaks in the middle, take it up again where it broke."""
        pauses = iter(RESUME_PAUSES_S)
        while self._view.outcome is None:
            try:
                for event in events:
                    self._take(event)
                return
            except ApiUnreachable:
                pause = next(pauses, None)
                if pause is None or not self.turn_id:
                    raise
                time.sleep(pause)
                events = self._resumed()

    def _resumed(self) -> Iterator[ChatEvent]:
        """Yield what is still to come; nothing when the server has let go of the stream, the answer being stored."""
        try:
            yield from self._api.resume(self.turn_id, self._last_id)
        except ApiRefused as refused:
            if refused.status not in (404, 410):
                raise

    def _take(self, event: ChatEvent) -> None:
        first = not self.turn_id
        if event.id:
            self._last_id = event.id
        if first and self.turn_id and self._stopping.is_set():
            self._stop_on_server()  # asked to stop before the turn had a name
        view = replace(self._view, waiting="")
        if event.queue is not None:
            self._view = replace(view, waiting=_in_line(event.queue))
        elif event.text:
            self._view = replace(view, text=view.text + event.text)
        elif event.step is not None:
            self._view = replace(view, steps=(*view.steps, event.step))
        elif event.notice is not None:
            self._view = replace(view, notice=event.notice)
        elif event.outcome is not None:
            text = view.text if event.outcome.text is None else event.outcome.text
            self._view = replace(view, outcome=event.outcome, text=text)

    @property
    def turn_id(self) -> str:
        """Return the server's id of this turn; "" until the server has told it."""
        return self._last_id.rpartition(":")[0] or self._running_id

    def _stop_on_server(self) -> None:
        if not self.turn_id:
            return
        try:
            self._api.stop(self.turn_id)
        except (ApiRefused, ApiUnreachable):
            return  # it has ended by itself, or the broken stream will tell

    def _await_attachments(self) -> None:
        deadline = time.monotonic() + ATTACHMENT_PATIENCE_S
        while self._attachments and not self._stopping.is_set():
            files = self._api.attachments(self._question.conversation_id)
            unread = [file for file in files if file.id in self._attachments and file.status in ("queued", "running")]
            if not unread:
                return
            if time.monotonic() > deadline:
                raise ApiUnreachable(
                    f"{unread[0].title} is still being read. Ask again in a few minutes; it stays attached."
                )
            self._view = replace(self._view, waiting=_reading(unread))
            time.sleep(ATTACHMENT_POLL_S)


def _in_line(position: int) -> str:
    return "Next in line" if position <= 1 else f"In line: {position - 1} before you"


def _reading(files: list[Document]) -> str:
    first = files[0]
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"Reading {first.title}{more}: {round(first.progress * 100)} %"


class LiveTurns:
    """The running answers of this process, found again after a reload by the same session only."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], LiveTurn] = {}
        self._lock = threading.Lock()

    def start(
        self,
        api: Api,
        question: Question,
        attachments: Iterable[str] = (),
        running_id: str = "",
        originals: Sequence[NamedFile] = (),
    ) -> LiveTurn:
        """Start an answer, unless one is already running in that conversation: then return that one.

        With `running_id`, follow the turn of that id, which the server is answering already, instead of asking.
        `originals` are the files of the question's pictures, attached in their place where no model sees.
        """
        key = _key(api, question.conversation_id)
        with self._lock:
            self._drop_old()
            running = self._turns.get(key)
            if running is not None and not running.view.finished:
                return running
            turn = self._turns[key] = LiveTurn(api, question, attachments, running_id, originals)
        turn.start()
        return turn

    def find(self, api: Api, conversation_id: str | None) -> LiveTurn | None:
        """Return the answer that runs, or has just ended, in a conversation of this session."""
        if conversation_id is None:
            return None
        with self._lock:
            return self._turns.get(_key(api, conversation_id))

    def forget(self, api: Api, conversation_id: str) -> None:
        """Drop an answer once the stored one is shown in its place."""
        with self._lock:
            self._turns.pop(_key(api, conversation_id), None)

    def _drop_old(self) -> None:
        limit = time.monotonic() - KEEP_FINISHED_S
        for key, turn in list(self._turns.items()):
            if turn.view.finished_at is not None and turn.view.finished_at < limit:
                del self._turns[key]


def _key(api: Api, conversation_id: str) -> tuple[str, str]:
    # The token decides who may see a running answer; its digest is enough to compare.
    return hashlib.sha256((api.token or "").encode()).hexdigest(), conversation_id


LIVE = LiveTurns()
