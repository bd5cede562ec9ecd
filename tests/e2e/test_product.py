"""The main job with everything real: documents in, cited answers out, by command line, HTTP and OpenAI client."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

from tests.e2e.installation import DOCUMENTS, Product, command, printed, start, stop

pytestmark = [pytest.mark.model, pytest.mark.slow]


def _admin_key(product: Product) -> str:
    with product.client() as client:
        name = f"person-{os.urandom(4).hex()}"
        body = {"name": name, "password": "a long pass phrase", "is_admin": False, "groups": []}
        client.post("/api/users", json=body).raise_for_status()
        client.headers["X-Assistant-As"] = name
        return str(client.post("/api/keys", json={"name": "test"}).raise_for_status().json()["secret"])


def test_it_answers_from_the_documents_with_a_citation_that_holds_the_answer(product: Product) -> None:
    answer = printed(product.command("ask", "How many days of annual leave do employees have?", "--json"))
    assert "28" in answer["answer"] and not answer["abstained"] and not answer["degraded"]
    assert any("28 days" in citation["quote"] for citation in answer["citations"])
    assert answer["citations"][0]["title"].startswith(("Leave policy", "leave-policy"))


def test_it_says_when_the_documents_do_not_say(product: Product) -> None:
    answer = printed(product.command("ask", "What is the melting point of tungsten?", "--json"))
    assert answer["abstained"] and answer["citations"] == [] and answer["answer"] == "The documents do not say."


def test_it_says_when_a_question_is_in_another_language_than_the_documents(product: Product) -> None:
    german = printed(product.command("ask", "Wie viele Urlaubstage bekomme ich?", "--json"))
    assert german["abstained"] and "sind auf Englisch" in german["answer"] and german["citations"] == []
    french = printed(product.command("ask", "Combien de jours de congé ai-je par an ?", "--json"))
    assert french["abstained"] and "sont en anglais" in french["answer"]


def test_search_prints_the_documented_fields(product: Product) -> None:
    found = printed(product.command("search", "daily allowance for meals in Switzerland", "--json", "--limit", "3"))
    assert set(found["results"][0]) >= {"document", "title", "page", "chunk", "text", "score"}
    assert "55 euro" in found["results"][0]["text"]


def test_the_official_client_works_unchanged(product: Product) -> None:
    client = openai.OpenAI(base_url=f"{product.url}/v1", api_key=_admin_key(product))
    messages = [{"role": "user", "content": "How many days of annual leave do employees have?"}]
    whole = client.chat.completions.create(model="assistant", messages=messages)
    assert "28" in whole.choices[0].message.content
    stream = list(client.chat.completions.create(model="assistant", messages=messages, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == whole.choices[0].message.content
    assert stream[-1].model_dump()["assistant"]["citations"]
    assert "assistant" in [model.id for model in client.models.list()]


class Said(pydantic.BaseModel):
    answer: str


def test_json_is_filled_from_the_documents_or_refused(product: Product) -> None:
    client = openai.OpenAI(base_url=f"{product.url}/v1", api_key=_admin_key(product))

    def ask(question: str) -> Any:
        messages: list[Any] = [{"role": "user", "content": question}]
        return client.chat.completions.parse(model="assistant", messages=messages, response_format=Said)

    known = ask("How many days of annual leave do employees have?")
    assert "28" in known.choices[0].message.parsed.answer
    assert any("28 days" in citation["quote"] for citation in known.model_extra["assistant"]["citations"])
    message = ask("What colour is the company's logo?").choices[0].message
    assert message.parsed is None and message.content is None and message.refusal


def test_what_the_model_writes_into_several_places_stands_in_its_citations_or_is_refused(product: Product) -> None:
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"days": {"type": "integer"}, "of": text}, "required": ["days", "of"]}
    body = {
        "model": "assistant",
        "messages": [{"role": "user", "content": "How many days of annual leave do employees have?"}],
        "max_tokens": 48,
        "response_format": {"type": "json_schema", "json_schema": {"name": "leave", "schema": schema}},
    }
    with product.client() as client:
        answer = client.post("/v1/chat/completions", json=body).raise_for_status().json()
    steps = [step["name"] for step in answer["assistant"]["steps"]]
    assert {"read", "draft", "check"} <= set(steps)
    message = answer["choices"][0]["message"]
    if message["content"] is None:
        assert message["refusal"] and not answer["assistant"]["grounded"]
    else:
        quotes = " ".join(citation["quote"] for citation in answer["assistant"]["citations"])
        assert str(json.loads(message["content"])["days"]) in quotes


def test_a_follow_up_question_keeps_its_subject(product: Product, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    first = "What is the daily allowance for meals in Germany?"
    history.write_text(
        json.dumps([{"role": "user", "content": first}, {"role": "assistant", "content": "42 euro [1]."}])
    )
    answer = printed(product.command("ask", "And in Switzerland?", "--history", str(history), "--json"))
    understood = [step["detail"] for step in answer["steps"] if step["name"] == "condense"]
    assert understood and "meals" in understood[0] and "Switzerland" in understood[0], answer["steps"]


def test_a_person_without_the_right_sees_nothing_of_a_collection(product: Product, tmp_path: Path) -> None:
    secret = tmp_path / "plans.md"
    secret.write_text(
        "# Plans\n\nThe takeover of Birchwood Mills is planned for 14 October under the code name Marmalade.\n"
    )
    printed(product.command("ingest", str(secret), "--collection", "board", "--readers", "board", "--wait", "--json"))
    outsider = _admin_key(product)
    question = "What is the code name of the takeover of Birchwood Mills?"
    asked = {"model": "assistant", "messages": [{"role": "user", "content": question}]}
    with product.client() as insider, product.client(outsider) as client:
        assert "Marmalade" in insider.post("/api/search", json={"query": question}).text
        for reply in (
            client.post("/v1/chat/completions", json=asked),
            client.post("/api/search", json={"query": question, "collections": ["board"]}),
            client.get("/api/collections"),
            client.get("/api/documents"),
            client.get("/api/conversations"),
        ):
            assert "Marmalade" not in reply.text and "14 October" not in reply.text
        assert "board" not in [entry["name"] for entry in client.get("/api/collections").json()["collections"]]


def test_commands_work_without_a_running_server(tmp_path: Path) -> None:
    taken = printed(
        command(tmp_path / "d", "ingest", str(DOCUMENTS / "travel.md"), "--collection", "c", "--wait", "--json")
    )
    assert [(row["path"], row["status"]) for row in taken["documents"]] == [("travel.md", "ready")]
    found = printed(command(tmp_path / "d", "search", "hotel price", "--json"))
    assert "140 euro" in found["results"][0]["text"]


def test_who_asks_too_early_hears_that_documents_are_still_being_read(tmp_path: Path) -> None:
    taken = command(tmp_path / "d", "ingest", str(DOCUMENTS / "travel.md"), "--collection", "c")
    assert taken.returncode == 0 and "`assistant up`" in taken.stderr
    asked = command(tmp_path / "d", "ask", "What does a hotel in Berlin cost at most?")
    assert asked.returncode == 0 and "do not say" in asked.stdout
    assert "1 document is still being read; ask again when it is ready." in asked.stderr


def test_wrong_usage_ends_with_two_and_failure_with_one(tmp_path: Path) -> None:
    assert command(tmp_path, "ingest").returncode == 2
    missing = command(tmp_path, "ingest", str(tmp_path / "nothing.pdf"), "--collection", "c")
    assert (
        missing.returncode == 1 and "There is no file or folder" in missing.stderr and "Traceback" not in missing.stderr
    )


def test_everything_survives_kill_9_and_a_backup(tmp_path: Path) -> None:
    first = start(tmp_path / "data")
    printed(first.command("ingest", str(DOCUMENTS), "--collection", "handbook", "--wait", "--json"))
    before = printed(first.command("search", "lost laptop", "--json"))
    stop(first, signal.SIGKILL)
    second = start(tmp_path / "data")
    try:
        after = printed(second.command("search", "lost laptop", "--json"))
        assert [hit["chunk"] for hit in after["results"]] == [hit["chunk"] for hit in before["results"]]
        printed(second.command("backup", str(tmp_path / "b.zip"), "--json"))
    finally:
        stop(second)
    printed(command(tmp_path / "restored", "restore", str(tmp_path / "b.zip"), "--json"))
    again = printed(command(tmp_path / "restored", "search", "lost laptop", "--json"))
    assert [hit["chunk"] for hit in again["results"]] == [hit["chunk"] for hit in before["results"]]
    health = command(tmp_path / "restored", "doctor", "--json")
    assert health.returncode == 0, health.stdout
