"""Builds every object of the product once, from settings; what is built receives plain values and looks for nothing."""

from __future__ import annotations

from functools import partial
from typing import Literal

from sqlalchemy import Engine

from assistant import attachments, secret_file
from assistant.app import App, Service
from assistant.calling.deciding import SkillTurns
from assistant.calling.host import ProductHost
from assistant.calling.service import SkillService
from assistant.calling.tracker import CallTracker
from assistant.curated.desk import Desk
from assistant.earlier.chats import Chats
from assistant.errors import InvalidSetting
from assistant.guardrails.grounding import RuleJudge
from assistant.kept import KeptAnswers
from assistant.memory.memories import Memories, Suggesting
from assistant.models.adapters import Adapters
from assistant.models.declared import Declared
from assistant.models.domains import Domains
from assistant.models.engines import LocalEngines
from assistant.models.errors import RoutingInvalid
from assistant.models.lanes import lanes
from assistant.models.openai_http import Endpoint, OpenAITranscriber
from assistant.models.policy.pilot import Pilot
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings, is_inside
from assistant.orchestration.examples import ExampleBank
from assistant.orchestration.gate import KernelGate
from assistant.orchestration.skill_stage import person_of
from assistant.orchestration.table_stage import TableStage
from assistant.people import users
from assistant.people.credentials import LOCAL_ID, caller_of, local_caller
from assistant.pictures import PictureReader
from assistant.promptbook.book import PromptBook
from assistant.promptbook.playground import Playground
from assistant.record import SqlRecords
from assistant.settings import Settings
from assistant.sight import Sighted
from assistant.speech import Speech, Spoken
from assistant.storage import database, files
from assistant.threads import in_thread
from assistant.turn import Turns
from knowledge.embed import open_embedder
from knowledge.reader import OnnxReader
from knowledge.serving import Serving
from knowledge.types import Embedder, Scope
from skills.audit import AuditFile
from skills.builtin import sources
from skills.skillset import Skillset
from skills.types import Person


class KnowledgeService:
    """Search as a service of the server: the indexes follow the database while it runs."""

    name = "knowledge"

    def __init__(self, serving: Serving) -> None:
        """Nothing is opened yet."""
        self._serving = serving

    async def start(self) -> None:
        """Begin to follow; an exact scan answers until the indexes are ready."""
        self._serving.start()

    async def stop(self) -> None:
        """Close the indexes in good order."""
        await in_thread(self._serving.stop)

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return ready: searches are answered from the first moment; the sentence tells what the indexes do."""
        parts = [f"{status.kind}: {status.state}, {status.entries} entries" for status in self._serving.status()]
        return "ready", f"By the vectors of {self._serving.embedder.name}. {'; '.join(parts)}."


class ReadingPictures:
    """The process that reads pictures, as a service of the server: started by the first picture, ended with it."""

    name = "pictures"

    def __init__(self, reader: PictureReader) -> None:
        """Nothing is started yet."""
        self._reader = reader

    async def start(self) -> None:
        """Do nothing: the first picture starts the process."""

    async def stop(self) -> None:
        """End the process."""
        await in_thread(self._reader.close)

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return ready: text is read from pictures on demand."""
        return "ready", "Text on pictures is read for models that do not see."


def build(settings: Settings, engines: LocalEngines | None) -> App:
    """Return the application of `settings`; nothing runs before its `start`, unless the caller began `engines`.

    `engines` keeps the local engine; None where another server takes its place.

    Raises SettingsRefused or DatabaseRefused when the program must not start like this.
    """
    key = settings.secret.get_secret_value() if settings.secret else None
    secrets = secret_file.load(settings.data_dir, key)
    engine = database(settings)
    embedder = open_embedder(settings.knowledge)
    serving = Serving(engine, settings.data_dir / "indexes", settings.knowledge, embedder)
    registry = _registry(settings, engines, embedder)
    adapters = Adapters(engine, settings.models, registry, settings.data_dir)
    gate = KernelGate(settings.turn.warm_up)
    stored, reader = files(settings), PictureReader(settings.ingest)
    tracker, speech = CallTracker(engine), _speech(settings.models)
    product = ProductHost(engine, serving.search, stored, registry)
    skills = _skills(settings, product, embedder, tracker)
    tracker.resume_with(skills.call, partial(_person, engine))
    memories = Memories(engine, embedder, settings.memory)
    book = PromptBook(engine, settings.prompts)
    records = Suggesting(SqlRecords(engine), memories)
    kept = KeptAnswers(settings.turn, embedder.embed, Desk(engine, embedder.embed, settings.turn.curated_closeness))
    turns = Turns(
        serving.search, registry, RuleJudge(embedder.embed), gate, records, settings.turn,
        attachments=partial(_attached, engine),
        secrets=(secrets.local,),
        skills=SkillTurns(engine, skills, registry, gate, settings.turn, (secrets.local,)),
        tables=TableStage(skills, product.table_named, (secrets.local,)),
        memory=memories, talk=Chats(engine, embedder, settings.turn.max_history_messages),
        prompts=book, kept=kept, reader=OnnxReader(), examples=ExampleBank(embedder.embed),
    )  # fmt: skip
    # The engine first: a process of its own, and the slowest to be ready.
    own: list[Service] = [*([engines] if engines else []), KnowledgeService(serving), gate]
    return App(
        settings=settings, engine=engine, secrets=secrets,
        turns=Spoken(Sighted(turns, registry, reader.read, records)),
        searcher=serving.search, indexes=serving, embedder=embedder, files=stored,
        models=registry, registry=registry, adapters=adapters, speech=speech,
        skills=skills, memories=memories, prompts=book, kept=kept,
        playground=Playground(turns, book, embedder, settings.ingest),
        services=[*own, registry, adapters, skills, tracker, ReadingPictures(reader), speech],
    )  # fmt: skip


def _speech(settings: ModelSettings) -> Speech:
    key = settings.speech_api_key.get_secret_value() if settings.speech_api_key else ""
    endpoint = Endpoint(settings.speech_url, key, settings.speech_model)
    transcriber = OpenAITranscriber(endpoint, settings.speech_timeout_s) if settings.speech_url else None
    return Speech(transcriber, settings.speech_max_bytes, settings.speech_max_s, is_inside(settings.speech_url))


def _skills(settings: Settings, product: ProductHost, embedder: Embedder, tracker: CallTracker) -> SkillService:
    audit = AuditFile(settings.data_dir / "logs" / "skills.jsonl")

    async def opened() -> Skillset:
        return await Skillset.open(
            settings.skills,
            settings.data_dir,
            embed=embedder.embed,
            audit=audit,
            builtin=lambda parts: sources(product.host(), parts),
            tracker=tracker,
        )

    return SkillService(opened, settings.skills, audit)


def _registry(settings: Settings, engines: LocalEngines | None, embedder: Embedder) -> Registry:
    models = settings.models
    found = lanes(models, engines, settings.data_dir)
    try:
        declared = Declared(models.routing, models.ensembles, {lane.name: lane.probabilities for lane in found})
    except RoutingInvalid as exc:
        raise InvalidSetting(str(exc)) from exc
    pilot = Pilot(models.explore, models.learned_policy)
    return Registry(found, engines, domains=Domains(embedder.embed), pilot=pilot, declared=declared)


def _person(engine: Engine, user_id: str) -> Person | None:
    """Return the owner of a call with their rights of now; None when they are gone or suspended."""
    if user_id == LOCAL_ID:
        return person_of(local_caller())
    user = users.get(engine, user_id)
    return person_of(caller_of(user, "session")) if user is not None and user.active else None


async def _attached(engine: Engine, scope: Scope, conversation_id: str) -> str | None:
    found = await in_thread(attachments.attached, engine, scope, conversation_id)
    return found.name if found else None
