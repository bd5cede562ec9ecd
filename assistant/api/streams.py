"""All answers in the making. Each runs in a task of its own, so readers may come and go while it goes on.

A turn ends early when its owner stops it, when nobody has read it for a while, when its owner is suspended, when it
takes too long, or when the server stops. What was said until then is kept and marked.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

from assistant.api import errors, sse
from assistant.api.admission import Ticket
from assistant.api.live import Live
from assistant.api.metrics import Metrics
from assistant.app import TurnRunner
from assistant.conversations import Status
from assistant.logs import log
from assistant.people.credentials import LOCAL_ID
from assistant.settings import ApiSettings
from assistant.types import Answer, Turn

_log = log("streams")

# How often what is being said is stored: a kill of the server costs at most about this much of an answer.
KEEP_EVERY_S = 1.0
_KILLED = "The server stopped while it wrote this answer, so its end is missing; ask again for the whole."

Stored = Callable[[Turn, Status, Answer | None], Awaitable[None]]  # the turn, how it ended, what was said
Keep = Callable[[dict[str, Answer]], Awaitable[None]]  # turn ids -> what is left of them should the server be killed
StillGood = Callable[[set[str]], Awaitable[set[str]]]  # credential ids -> those that are let in


@dataclass(slots=True, eq=False)
class _Running:
    live: Live
    task: asyncio.Task[None]
    grace_s: float
    stored: bool  # it belongs to a conversation
    kept: int = 0  # characters that would survive a kill
    why: str = "cancelled"
    ending: bool = False  # it is being stored: too late to stop
    leaving: asyncio.TimerHandle | None = None


class Streams:
    """The answers that are being made, and those made in the last minute."""

    def __init__(
        self,
        turns: TurnRunner,
        settings: ApiSettings,
        metrics: Metrics,
        stored: Stored,
        keep: Keep,
        still_good: StillGood,
    ) -> None:
        """Begin with none; `stored` is told how each turn ended, before its readers are."""
        self._turns = turns
        self._settings = settings
        self._metrics = metrics
        self._stored = stored
        self._keep = keep
        self._still_good = still_good
        self._running: dict[str, _Running] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to hold open streams against suspensions, to keep quiet ones alive, and to store what is being said."""
        self._watchers = [
            asyncio.create_task(self._watch(), name="streams-watch"),
            asyncio.create_task(self._keep_on(), name="streams-keep"),
        ]

    async def stop(self) -> None:
        """End all turns, keeping what they said."""
        for watcher in self._watchers:
            watcher.cancel()
        running = [entry.task for entry in self._running.values() if not entry.task.done()]
        for turn_id in list(self._running):
            self._cancel(turn_id, "shutdown")
        if running:
            await asyncio.wait(running, timeout=10.0)

    def begin(self, turn: Turn, credential_id: str, ticket: Ticket, wire: sse.Wire, grace_s: float) -> Live:
        """Start a turn, which gives its ticket back at its end; it ends early when nobody has read it for `grace_s`."""
        live = Live(turn.id, turn.caller.user_id, credential_id, wire, self._settings.stream_buffer_bytes)
        task = asyncio.create_task(self._run(turn, live, ticket), name=f"turn-{turn.id}")
        self._running[turn.id] = _Running(live, task, grace_s, turn.options.conversation_id is not None)
        return live

    def find(self, owner_id: str, turn_id: str) -> Live | None:
        """Return the owner's turn, running or just finished; None for anybody else's."""
        entry = self._running.get(turn_id)
        return entry.live if entry is not None and entry.live.owner_id == owner_id else None

    def end(self, owner_id: str, turn_id: str) -> bool:
        """Stop the owner's turn, now; False when there is none such."""
        if self.find(owner_id, turn_id) is None:
            return False
        self._cancel(turn_id, "cancelled")
        return True

    @asynccontextmanager
    async def reading(self, live: Live) -> AsyncIterator[None]:
        """Count a reader while the block runs; when the last one goes, the turn has its grace to be found again."""
        entry = self._running.get(live.turn_id)
        live.readers += 1
        if entry is not None and entry.leaving is not None:
            entry.leaving.cancel()
            entry.leaving = None
        try:
            yield
        finally:
            live.readers -= 1
            if entry is not None and live.readers == 0 and not live.closed:
                loop = asyncio.get_running_loop()
                entry.leaving = loop.call_later(entry.grace_s, self._cancel, live.turn_id, "cancelled")

    def _cancel(self, turn_id: str, why: str) -> None:
        entry = self._running.get(turn_id)
        if entry is not None and not entry.ending:
            entry.why = why
            entry.task.cancel()

    async def _run(self, turn: Turn, live: Live, ticket: Ticket) -> None:
        entry = self._running[turn.id]
        started = time.monotonic()
        status: Status = "done"
        try:
            async with asyncio.timeout(self._settings.chat_timeout_s):
                await self._answer(turn, live, ticket)
        except asyncio.CancelledError:
            entry.task.uncancel()  # the rest of this task is not part of the work that was cancelled
            status = "stopped"
            live.answer = sse.interrupted(live.said, live.cited, entry.why, None)
        except TimeoutError:
            status = "stopped"
            notice = "The answer took too long and ends here."
            live.answer = sse.interrupted(live.said, live.cited, "timeout", notice)
        except Exception as error:  # noqa: BLE001 - the outermost loop of this task: its readers must hear of it
            status = "failed"
            _log.error("a turn failed", turn_id=turn.id, error=type(error).__name__, exc_info=error)
        finally:
            entry.ending = True
            ticket.leave()
        await self._finish(turn, live, status)
        if live.first_text_at is not None:
            self._metrics.first_text(live.first_text_at - started)

    async def _answer(self, turn: Turn, live: Live, ticket: Ticket) -> None:
        async for position in ticket.positions():
            live.queued(position)
        async with aclosing(self._turns.run(turn)) as events:
            async for event in events:
                live.take(event)
        if live.answer is None:
            raise RuntimeError(f"the turn {turn.id} ended without an answer")

    async def _finish(self, turn: Turn, live: Live, status: Status) -> None:
        answer = None if status == "failed" else live.answer
        try:
            await self._stored(turn, status, answer)
        except Exception as error:  # noqa: BLE001 - the answer is there and must reach its reader, stored or not
            _log.error("a turn could not be stored", turn_id=turn.id, error=type(error).__name__, exc_info=error)
        if answer is None:
            detail = "The answer failed on our side; ask again."
            live.fail(json.dumps(errors.openai_error(500, "internal", detail)).encode())
        else:
            live.close(answer)
        self._metrics.answered(_outcome(status, answer))
        asyncio.get_running_loop().call_later(self._settings.stream_kept_s, self._running.pop, turn.id, None)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.recheck_credentials_s)
            for entry in self._running.values():
                entry.live.nudge()
            held = {entry.live.credential_id for entry in self._running.values() if not entry.live.closed}
            held.discard(LOCAL_ID)
            if held:
                await self._cut(held)

    async def _keep_on(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            news = {
                turn_id: entry
                for turn_id, entry in self._running.items()
                if entry.stored and not entry.ending and len(entry.live.said) > entry.kept
            }
            if not news:
                continue
            for entry in news.values():
                entry.kept = len(entry.live.said)
            try:
                await self._keep(
                    {id_: sse.interrupted(e.live.said, e.live.cited, "killed", _KILLED) for id_, e in news.items()}
                )
            except Exception as error:  # noqa: BLE001 - the answers go on, and are stored whole at their ends
                _log.error("what is being said could not be kept", error=type(error).__name__)

    async def _cut(self, held: set[str]) -> None:
        try:
            good = await self._still_good(held)
        except Exception as error:  # noqa: BLE001 - a database that does not answer now is asked again soon
            _log.error("suspensions could not be checked", error=type(error).__name__)
            return
        for turn_id, entry in list(self._running.items()):
            if entry.live.credential_id in held - good:
                self._cancel(turn_id, "suspended")


def _outcome(status: Status, answer: Answer | None) -> str:
    if answer is None or status != "done":
        return status
    return "abstained" if answer.abstained else "degraded" if answer.degraded else "answered"
