"""The models of this installation: chosen for a turn, switched on and off while it runs, and shown to operators."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from assistant.models import routes
from assistant.models.choices import AdapterChoice, Choices
from assistant.models.council import Council
from assistant.models.decisions import Domain, Facts, Table, understand
from assistant.models.decisions import read as read_table
from assistant.models.declared import Declared
from assistant.models.domains import Domains
from assistant.models.engines import LocalEngines
from assistant.models.ensembles import Average, Ensemble, Vote, without_probabilities
from assistant.models.errors import WishRefused
from assistant.models.openai_http import OpenAIModel
from assistant.models.policy.pilot import Pilot
from assistant.models.policy.situation import ACTIONS, KINDS, governs
from assistant.models.router import Lane, Routed, Router
from assistant.models.routes import ANY, Card, Chosen, kind_of
from assistant.models.types import ChatModel, Guesses, ModelStatus, Policy
from assistant.orchestration.ports import Choice, Rival
from assistant.threads import in_thread
from assistant.types import Route, Turn

_TOKENS_TO_PRICE = 1_000_000


class Registry:
    """Chooses models for turns and keeps their breakers; a service of the server."""

    name = "models"

    def __init__(
        self,
        lanes: Sequence[Lane],
        engines: LocalEngines | None = None,
        *,
        table: Table | None = None,
        domains: Domains | None = None,
        ensembles: Sequence[Ensemble] = (),
        pilot: Pilot | None = None,
        declared: Declared | None = None,
    ) -> None:
        """`engines` is the local engine when one of the lanes is served by it; `table` defaults to the shipped one.

        `declared` are the files of table and ensembles, where they may change while this runs.
        """
        self._router = Router(lanes)
        self._engines = engines
        self._domains = domains
        self._declared = declared
        self._pilot = pilot  # None: no learned policy may act here, and nothing is tried
        self.table = table or (declared.table if declared else read_table())
        offered = declared.ensembles if declared else ensembles
        self.ensembles: Mapping[str, Ensemble] = {ensemble.name: ensemble for ensemble in offered}
        self.choices = Choices()
        self.guesses: tuple[Guesses, ...] = ()  # of the vLLM server, which counts them over all its models
        self._retired: list[Lane] = []
        self._tasks: dict[str, Domains] = {}  # of votes by skill
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch over the models."""
        self._task = asyncio.create_task(self._router.tend(self._stop))

    async def stop(self) -> None:
        """End, and close the connections."""
        self._stop.set()
        if self._task is not None:
            await self._task
        for lane in (*self._router.lanes.values(), *self._retired):
            if isinstance(lane.model, OpenAIModel):
                await lane.model.close()

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return whether any model answers, with a sentence; without one, answers quote passages."""
        healthy = [status.name for status in self.status() if status.healthy]
        if healthy:
            return "ready", f"Answers come from {', '.join(healthy)}."
        return self._engines.state() if self._engines else ("failed", "No model answers; passages are quoted instead.")

    async def reread(self) -> None:
        """Take over what has changed in the files of the decision table and the ensembles; running turns go on."""
        declared = self._declared
        models = {lane.name: lane.probabilities for lane in self._router.lanes.values()}
        if declared is not None and await in_thread(declared.look, models):
            self.table, self._tasks = declared.table, {}
            self.ensembles = {ensemble.name: ensemble for ensemble in declared.ensembles}

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the files of the decision table and the ensembles, as last read."""
        return self._declared.problems if self._declared else ()

    async def choose(self, turn: Turn) -> Choice:
        """Return the model for a turn: several in an order, behind one. Raises WishRefused for an unknown name."""
        domains = await self._nearest(turn.question) if turn.options.model == ANY else ()
        facts = Facts(turn.question, turn.options.policy, domains, bool(turn.options.pictures))
        if (ensemble := self.ensembles.get(turn.options.model)) is not None:
            task = await self._task_of(turn.question, ensemble)
            if ensemble.name in self.choices.off:
                raise WishRefused(f"The ensemble {ensemble.name!r} is switched off. Ask another.", "model_not_found")
            council = self._council(ensemble, facts, task)
            return Choice(council, council.route)
        chosen = self.decide(turn.options.model, facts)
        piloted = self._piloted(chosen, facts) if turn.options.model == ANY and not chosen.rivals else None
        if piloted is not None:
            return piloted
        first = chosen.cards[0]
        rivals = tuple(Rival(card.name, Routed(self._router, [card.name]), card.route) for card in chosen.rivals)
        route = replace(first.route, reason=chosen.reason)
        return Choice(self._routed(chosen), route, first.tools, first.sees, rivals=rivals)

    def _piloted(self, chosen: Chosen, facts: Facts) -> Choice | None:
        """Return the pilot's choice, None where it has none to make."""
        pilot = self._pilot
        if pilot is None or not pilot.flies:
            return None
        reading = understand(facts, self.table.signals)
        kinds = [kind_of(card) for card in chosen.cards if card.healthy]
        usual = kind_of(chosen.cards[0])
        if usual not in kinds or usual not in KINDS or not governs(facts, reading):
            return None
        decision = pilot.decide(facts, reading, usual, kinds)
        kind, strategy = ACTIONS[decision.action]
        cards = tuple(sorted(chosen.cards, key=lambda card: kind_of(card) != kind))
        told = f"Learned policy: {cards[0].name}" if pilot.actor else f"Tried for learning: {cards[0].name}"
        reason = chosen.reason if decision.action == decision.table else f"{told}, prompt {strategy}"
        first = cards[0]
        routed = self._routed(Chosen(cards, reason))
        return Choice(routed, replace(first.route, reason=reason), first.tools, first.sees, strategy, decision)

    async def explain(self, question: str, policy: Policy) -> tuple[Chosen, tuple[Domain, ...]]:
        """Return who would be asked a question and why, and how close it is to each domain; asks nobody."""
        domains = await self._nearest(question)
        return self.decide(ANY, Facts(question, policy, domains)), domains

    def decide(self, wanted: str, facts: Facts) -> Chosen:
        """Return whom to ask. Raises WishRefused when there is none."""
        return routes.choose(wanted, [self._card(lane) for lane in self._router.lanes.values()], facts, self.table)

    def named(self, wanted: str) -> Choice:
        """Return the model of that name, or for "assistant" the usual one. Raises WishRefused for an unknown name."""
        chosen = self.decide(wanted, Facts(""))
        return Choice(self._routed(chosen), chosen.cards[0].route, chosen.cards[0].tools)

    def status(self) -> Sequence[ModelStatus]:
        """Return every model and every ensemble with its health as last seen; asks nobody."""
        models = [self._status(lane) for lane in self._router.lanes.values()]
        return [*models, *(self._of_ensemble(ensemble) for ensemble in self.ensembles.values())]

    def balance(self) -> float | None:
        """Return how evenly answers fall on the adapters, see routes.spread; None before the first one."""
        adapted = [lane.seen.answers for lane in self._router.lanes.values() if _is_adapter(lane)]
        return routes.spread(adapted)

    async def follow(self, choices: Choices) -> None:
        """Take over what administrators chose."""
        self.choices = choices
        if self._pilot is not None:
            self._pilot.follow(choices.actor)
        if self._domains is not None:
            await in_thread(self._domains.learn, choices.adapters)

    def serve_adapters(self, lanes: Mapping[str, Lane]) -> None:
        """Offer exactly these adapters of the vLLM server besides the other models; running answers go on."""
        for name in [name for name, lane in self._router.lanes.items() if _is_adapter(lane) and name not in lanes]:
            self._retired.append(self._router.lanes.pop(name))
        for name, lane in lanes.items():
            self._router.lanes.setdefault(name, lane)

    def shorten(self, most: int, told: int | None) -> None:
        """Prompt the vLLM server's models within what it told to read, and never over `most` tokens."""
        for lane in self._router.lanes.values():
            if lane.route().tier == "domain" and isinstance(lane.model, OpenAIModel):
                lane.model.context_tokens = min(most, told or most)

    @property
    def adapters(self) -> frozenset[str]:
        """Return the adapters that are offered as models of their own."""
        return frozenset(name for name, lane in self._router.lanes.items() if _is_adapter(lane))

    def of_vllm(self) -> dict[str, ChatModel]:
        """Return the models of the vLLM server that may be asked, by name."""
        lanes = [lane for lane in self._router.lanes.values() if lane.route().tier == "domain"]
        return {lane.name: lane.model for lane in lanes if lane.name not in self.choices.off}

    async def _nearest(self, question: str) -> tuple[Domain, ...]:
        among = sorted(self.adapters - self.choices.off)
        if self._domains is None or not among:
            return ()
        return await in_thread(self._domains.nearest, question, among)

    async def _task_of(self, question: str, ensemble: Ensemble) -> str | None:
        """Return the task of a vote by skill to which a question is closest, None where there are none."""
        if self._domains is None or not isinstance(ensemble, Vote) or ensemble.method != "weighted":
            return None
        tasks = self._tasks.setdefault(ensemble.name, self._domains.empty())
        examples = {name: AdapterChoice(examples=said) for name, said in ensemble.tasks.items()}
        await in_thread(tasks.learn, examples)
        near = await in_thread(tasks.nearest, question, list(examples))
        return near[0].adapter if near else None

    def _council(self, ensemble: Ensemble, facts: Facts, task: str | None) -> Council:
        """Return the members of an ensemble. Raises WishRefused when one of them cannot be asked."""
        try:
            return Council(ensemble, lambda name: self._asked(name, facts, ensemble), task)
        except WishRefused as exc:
            raise WishRefused(f"{ensemble.name!r} cannot answer without all of its members. {exc}", exc.code) from exc

    def _asked(self, name: str, facts: Facts, ensemble: Ensemble) -> tuple[Routed, Route]:
        chosen = self.decide(name, facts)
        first = chosen.cards[0]
        if isinstance(ensemble, Vote | Average):
            # Who fails does not take part: another one in its place would have two voices, one under a false name.
            chosen = replace(chosen, cards=(first,))
        if isinstance(ensemble, Average) and not self._router.lanes[first.name].probabilities:
            raise WishRefused(without_probabilities(first.name), "no_probabilities")
        return self._routed(chosen), first.route

    def _routed(self, chosen: Chosen) -> Routed:
        return Routed(self._router, [card.name for card in chosen.cards])

    def _card(self, lane: Lane) -> Card:
        status = self._status(lane)
        load = lane.seen.busy / lane.places
        context = lane.model.context_tokens
        return Card(
            lane.name, lane.route(), context, status.healthy, lane.tools, lane.inside, status.enabled, load, lane.sees
        )  # fmt: skip

    def _status(self, lane: Lane) -> ModelStatus:
        route, state, seen = lane.route(), lane.breaker.state(), lane.seen
        detail, healthy = seen.problem or "It answers.", state == "closed"
        if self._engines is not None and route.tier == "fallback":
            running, sentence = self._engines.state()
            # What the engine says of itself is newer than what its last answer met, unless only answers can tell.
            unheard = not healthy and running == "ready"
            healthy, detail = healthy and running == "ready", (seen.problem if unheard else "") or sentence
        each = seen.tokens / seen.answers if seen.answers else 0.0
        return ModelStatus(
            lane.name, route.tier, route.model, route.adapter, healthy, detail,
            inside=lane.inside, sees=lane.sees, enabled=lane.name not in self.choices.off, busy=seen.busy,
            context_tokens=lane.model.context_tokens, answers=seen.answers, failures=seen.failures,
            first_token_s=seen.first_token_s,
            tokens_per_s=seen.tokens_per_s,
            cost_per_1000=1000 * each * lane.price / _TOKENS_TO_PRICE if lane.price and each else None,
            guesses=self._guesses(route), breaker=state, tried_again_in_s=lane.breaker.tried_again_in_s(),
        )  # fmt: skip

    def _of_ensemble(self, one: Ensemble) -> ModelStatus:
        enabled = one.name not in self.choices.off
        return ModelStatus(one.name, "ensemble", one.kind, None, True, one.about, enabled=enabled)

    def _guesses(self, route: Route) -> tuple[Guesses, ...]:
        if route.tier == "domain":
            return self.guesses if route.adapter is None else ()
        return self._engines.guesses() if self._engines and route.tier == "fallback" else ()


def _is_adapter(lane: Lane) -> bool:
    route = lane.route()
    return route.tier == "domain" and route.adapter is not None
