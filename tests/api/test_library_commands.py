"""`assistant memory`, `prompts`, `curated` and `models policy`, against a real server on the data folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from assistant import conversations, history
from assistant.cli.main import app
from assistant.cli.output import Failed
from assistant.models.adapters import Adapters
from assistant.models.lanes import lanes
from assistant.models.policy import shelf
from assistant.models.policy.estimate import Estimate
from assistant.models.policy.learner import learn
from assistant.models.registry import Registry
from assistant.models.settings import ModelSettings
from assistant.models.types import Guesses
from assistant.policy_training import experiences
from assistant.promptbook.parse import packaged
from assistant.settings import load

from .conftest import World
from .test_policy import kept

Run = Callable[..., Any]


@pytest.fixture
def run(address: str, tmp_path: Path) -> Run:
    """Run a command; its JSON, or the sentence of its failure."""

    def command(*arguments: str) -> Any:
        result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), *arguments])
        if isinstance(result.exception, Failed):
            return str(result.exception)
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout) if "--json" in arguments else result.stdout

    return command


def test_notes_are_kept_listed_taken_away_and_forgotten_for_a_person(run: Run, tmp_path: Path) -> None:
    run("memory", "add", "My office is in Graz", "--as", "Ben")
    assert run("memory", "add", "My office is in Linz", "--as", "Ben", "--json")["replaced"] is True
    listed = run("memory", "list", "--as", "Ben", "--json")
    assert [note["text"] for note in listed["notes"]] == ["My office is in Linz"]
    assert run("memory", "list", "--as", "Eve", "--json")["notes"] == [] == run("memory", "list", "--json")["notes"]
    note = listed["notes"][0]["id"]
    assert "no such note" in run("memory", "delete", note, "--as", "Eve")
    run("memory", "edit", note, "My office is in Wels", "--as", "Ben")
    (tmp_path / "export.json").write_text(json.dumps(run("memory", "list", "--as", "Ben", "--json")))
    assert run("memory", "forget", "--yes", "--as", "Ben", "--json") == {"deleted": 1}
    assert run("memory", "import", str(tmp_path / "export.json"), "--as", "Ben", "--json")["taken"] == 1
    run("memory", "off", "--as", "Ben")
    assert "switched off" in run("memory", "list", "--as", "Ben")
    assert "not an export" in run("memory", "import", __file__)


def test_a_question_is_asked_with_own_values(run: Run, world: World, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object"}')
    numbers = ("--temperature", "9", "--top-p", "0.5", "--top-k", "3", "--min-p", "0.1", "--seed", "7")
    run("ask", "hi", *numbers, "--max-tokens", "9", "--stop", "A", "--stop", "B", "--schema", str(schema), "--json")
    options = world.turns.asked[-1].options
    used = options.sampling
    assert (used.temperature, used.top_p, used.top_k, used.min_p, used.seed) == (2.0, 0.5, 3, 0.1, 7)
    assert (used.max_tokens, used.stop, used.json_schema) == (9, ("A", "B"), {"type": "object"})
    assert options.notice == "Outside of what is possible, so answered with temperature 2 instead of 9."
    run("ask", "hi", "--preset", "creative", "--json")
    assert world.turns.asked[-1].options.sampling.temperature == 0.9
    assert "not a JSON schema" in run("ask", "hi", "--schema", str(tmp_path / "none.json"))


def test_a_prompt_is_edited_compared_published_and_rolled_back(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "prompt.yaml"
    file.write_text((packaged("grounded_answer") or "").replace("Be short", "Be brief"))
    assert run("prompts", "edit", "grounded_answer", "--file", str(file), "--note", "shorter", "--json")["n"] == 1
    assert "Be brief" in run("prompts", "diff", "grounded_answer", "0", "1")
    assert "Name the version" in run("prompts", "publish", "grounded_answer")
    assert "version 1 is live" in run("prompts", "publish", "grounded_answer@1")
    assert run("prompts", "show", "grounded_answer") == file.read_text()
    assert "shorter" in run("prompts", "show", "grounded_answer", "--history")
    assert "the version that ships is live" in run("prompts", "rollback", "grounded_answer")
    live = {prompt["name"]: prompt["live"] for prompt in run("prompts", "list", "--json")["prompts"]}
    assert live["grounded_answer"] == 0 and live["reasoned_answer"] is None
    file.write_text("name: [")
    assert "not YAML" in run("prompts", "edit", "grounded_answer", "--file", str(file))


def test_a_version_is_tried_and_measured(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "set.jsonl"
    row = {"id": "1", "question": "How much leave?", "answers": ["25"], "contexts": [
        {"id": "a", "title": "Leave", "text": "Employees get 25 days of leave."}]}  # fmt: skip
    file.write_text(json.dumps(row) + "\n")
    found = run("prompts", "evaluate", "grounded_answer@0", str(file), "--json")
    assert found["state"] == "done" and set(found["scores"]) == {"live", "candidate"}
    assert "token f1" in run("prompts", "evaluate", "grounded_answer@0", str(file))
    assert run("prompts", "try", "plain_chat@0", "Hi there you", "--json")["live"]["answer"] == "Hi there you"
    assert "cannot be read" in run("prompts", "evaluate", "grounded_answer@0", str(tmp_path / "none.jsonl"))


def test_chats_go_into_a_file_and_come_in_for_somebody_else(run: Run, world: World, tmp_path: Path) -> None:
    made = conversations.create(world.app.engine, world.ben.id, "Plans")
    conversations.ask(world.app.engine, world.ben.id, made, "What is planned?")
    file = tmp_path / "chats.json"
    run("chats", "export", str(file), "--as", "Ben")
    assert "does not exist yet" in run("chats", "export", str(file), "--as", "Ben")
    assert run("chats", "import", str(file), "--as", "Eve", "--json") == {"taken": 1}
    assert [one.title for one in history.page(world.app.engine, world.eve.id)] == ["Plans"]
    text = tmp_path / "plans.md"
    run("chats", "export", str(text), "--conversation", made, "--markdown", "--as", "Ben")
    assert text.read_text("utf-8").startswith("# Plans")
    assert "name it" in run("chats", "export", str(tmp_path / "x"), "--markdown", "--as", "Ben")
    assert "no JSON" in run("chats", "import", str(text), "--as", "Ben")


def test_a_curated_answer_is_written_changed_switched_off_and_removed(run: Run, tmp_path: Path) -> None:
    assert "none yet" in run("curated", "list")
    file = tmp_path / "answer.txt"
    file.write_text("From 11 to 14.")
    asked = ("--question", "When is the canteen open?", "--question", "When is lunch?")
    made = run("curated", "add", *asked, "--file", str(file), "--reader", "group:hr", "--json")
    assert made["questions"] == ["When is the canteen open?", "When is lunch?"] and made["readers"] == ["group:hr"]
    assert "…" not in run("curated", "list")  # ids are whole, to be copied
    changed = run("curated", "edit", made["id"], "--answer", "From 12.", "--off", "--json")
    assert (changed["answer"], changed["enabled"], changed["readers"]) == ("From 12.", False, ["group:hr"])
    assert "off" in run("curated", "edit", made["id"], "--reader", "everyone")
    (listed,) = run("curated", "list", "--json")
    assert listed["readers"] == ["everyone"] and listed["answer"] == "From 12."
    assert run("curated", "remove", made["id"], "--json") == {"removed": made["id"]}
    assert run("curated", "list", "--json") == []


def test_a_curated_answer_that_cannot_be_given_is_refused_in_a_sentence(run: Run, tmp_path: Path) -> None:
    question = ("curated", "add", "--question", "When?")
    assert "answer is empty" in run(*question)
    assert "cannot be read" in run(*question, "--file", str(tmp_path / "nothing.txt"))
    assert "no source of that number" in run(*question, "--answer", "At nine [1].")
    assert "no passage 'x1'" in run(*question, "--answer", "At nine [1].", "--source", "x1")
    assert "cannot be a reader" in run(*question, "--answer", "At nine.", "--reader", "staff")
    assert "no such curated answer" in run("curated", "remove", "unknown")
    assert "no curated answer 'unknown'" in run("curated", "edit", "unknown", "--off")
    assert "Nothing is to change" in run("curated", "edit", "unknown")
    assert run("curated", "list", "--json") == []


def test_the_policy_is_trained_let_act_and_taken_back(run: Run, world: World, engine: Engine, tmp_path: Path) -> None:
    assert "The decision table acts. The setting models.learned_policy is off." in run("models", "policy", "show")
    assert "learned_policy is off" in run("models", "policy", "activate", "any")
    world.app.settings = load(data_dir=tmp_path, models={"learned_policy": True})
    assert "20 are needed" in run("models", "policy", "train")
    kept(engine, 40)
    trained = run("models", "policy", "train", "--json")
    (policy,) = trained["policies"]
    assert trained["active"] is None and "…" not in run("models", "policy", "show")
    assert "too few" in run("models", "policy", "activate", policy["id"])
    assert "nothing to go back" in run("models", "policy", "rollback")
    better = shelf.add(engine, learn(experiences(engine)), Estimate(500, 200.0, 0.3, 0.5, 0.2, 0.1, 0.3), "ann")
    assert f"The policy {better.id} acts." in " ".join(run("models", "policy", "activate", better.id).split())
    assert run("models", "policy", "rollback", "--json")["active"] is None


def test_models_are_listed_with_what_guessing_brings(run: Run, world: World, tmp_path: Path, engine: Engine) -> None:
    settings = ModelSettings(vllm_url="http://127.0.0.1:9/v1", vllm_model="big")
    world.app.registry = Registry(lanes(settings, None))
    world.app.adapters = Adapters(engine, ModelSettings(), world.app.registry, tmp_path)
    assert "Guessing" not in run("models", "list")
    world.app.registry.guesses = (Guesses("", True, 0, 40, 30, 4.0), Guesses("condense", None, 2, 0, 0, None, 9.5, 7.0))
    over_all, condense = run("models", "list").split("Guessing ahead")[1].split("big")[1:3]
    assert "(all)" in over_all and "0.75" in over_all and "4.0" in over_all
    assert "trying" in condense and "9.5" in condense and "7.0" in condense


def test_assistants_go_through_a_file_and_are_deleted(run: Run, tmp_path: Path) -> None:
    file, exported = tmp_path / "legal.yaml", tmp_path / "out.yaml"
    file.write_text("assistants:\n- name: Legal\n  instructions: Be formal.\n  collections: [Nowhere]\n")
    taken = run("gallery", "import", str(file), "--as", "Ben", "--json")
    assert [one["name"] for one in taken["assistants"]] == ["Legal"] and "'Nowhere'" in taken["left_out"][0]
    assert "assistant:Legal" in run("gallery", "show", "Legal", "--as", "Ben")
    run("gallery", "export", str(exported), "--name", "Legal", "--as", "Ben")
    assert "instructions: Be formal." in exported.read_text() and "cannot be written" in run(
        "gallery", "export", str(exported), "--as", "Ben"
    )
    assert run("gallery", "list", "--as", "Eve", "--json") == []
    assert "no assistant 'Legal'" in run("gallery", "delete", "Legal", "--yes", "--as", "Eve")
    for broken in ("[1]", "a: &a 1\nb: *a", "{", "\x00"):
        file.write_text(broken)
        assert "no file of assistants" in run("gallery", "import", str(file), "--as", "Ben"), broken
    run("gallery", "delete", "Legal", "--yes", "--as", "Ben")
    assert run("gallery", "list", "--as", "Ben", "--json") == []


def test_models_are_compared_switched_and_listed_with_their_breakers(
    run: Run, world: World, engine: Engine, tmp_path: Path
) -> None:
    settings = ModelSettings(vllm_url="http://127.0.0.1:9/v1", vllm_model="big", model="http://127.0.0.1:9/v1")
    world.app.registry = world.app.models = Registry(lanes(settings, None))
    world.app.adapters = Adapters(engine, ModelSettings(), world.app.registry, tmp_path)
    told = run("models", "try", "--model", "big", "--model", "model", "words 3 0.01")
    assert "big (" in told and "model (" in told and "first word after" in told and told.count("word0 word1") == 2
    assert "no such model" in run("models", "try", "--model", "ghost", "Why?").lower()
    listed = run("models", "list", "--json")["models"][0]
    assert (listed["breaker"], listed["busy"], listed["cost_per_1000"]) == ("closed", 0, None)
    assert not run("models", "off", "big", "--json")[0]["enabled"]
    only = run("models", "routes", "--question", "Why?")
    assert only.strip() == "model is the only model that may be asked."
    assert run("models", "on", "big", "--json")[0]["enabled"]
    assert "low cost" in run("models", "routes", "--question", "Compare them in detail, please.", "--budget", "low")
    assert "give one with --question" in run("models", "routes", "--budget", "low")
    assert run("models", "preset", "creative", "--json") == {"preset": "creative"}
    assert run("models", "preset", "wild") != {"preset": "wild"}
