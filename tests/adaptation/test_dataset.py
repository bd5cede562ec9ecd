from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from assistant.adaptation import dataset, recipe, splits
from assistant.adaptation.contamination import check
from assistant.adaptation.errors import DatasetError, RecipeError
from assistant.adaptation.metrics import citations
from assistant.adaptation.recipe import Recipe
from assistant.adaptation.rows import Passage, normal
from tests.adaptation.conftest import hashed, raw_row

ABSTENTION = "The documents do not say."


@pytest.fixture
def small(tmp_path: Path, rows_file: Path, recipe_text: str) -> Recipe:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text, "utf-8")
    return recipe.load(path)


def groups_of(small: Recipe, folder: Path, part: str = "train") -> list[dataset.Group]:
    return dataset.build(small, splits.split(small, folder)[part], hashed, ABSTENTION)


def test_it_never_shows_a_held_out_document(small: Recipe, tmp_path: Path) -> None:
    parts = splits.split(small, tmp_path)
    documents = {part: {row.document for rows in pools.values() for row in rows} for part, pools in parts.items()}
    assert documents == {
        "train": {"Town 2", "Town 3"},
        "development": {"Town 0"},
        "test": {"Town 1"},
        "left_out": set(),
    }
    texts = [p.text for group in groups_of(small, tmp_path) for p in group.passages]
    assert not any("Town 0" in text or "Town 1" in text for text in texts)


def test_it_cites_the_passage_that_holds_the_answer(small: Recipe, tmp_path: Path) -> None:
    answered = [
        (group, branch)
        for group in groups_of(small, tmp_path)
        for branch in group.branches
        if branch.kind == "answerable"
    ]
    assert answered
    for group, branch in answered:
        [number] = citations(branch.answer)
        assert normal(branch.answer.split(" [")[0]) in normal(group.passages[number - 1].text)
        assert branch.answer.endswith(f" [{number}].")


def test_it_abstains_where_the_answer_is_in_no_passage(small: Recipe, tmp_path: Path) -> None:
    wanted = {f"Town {n % 4}-{n}": f"tower {n}" for n in range(30)}
    refused = [(g, b) for g in groups_of(small, tmp_path) for b in g.branches if b.kind in {"removed", "adversarial"}]
    assert {branch.kind for _, branch in refused} == {"removed", "adversarial"}
    for group, branch in refused:
        assert branch.answer == ABSTENTION
        if branch.kind == "removed":
            assert not any(f" {wanted[branch.id]} " in p.text for p in group.passages)


def test_it_builds_the_same_groups_again_and_others_for_another_seed(small: Recipe, tmp_path: Path) -> None:
    first = groups_of(small, tmp_path)
    assert groups_of(small, tmp_path) == first
    assert groups_of(small.model_copy(update={"seed": 8}), tmp_path) != first


def test_it_reads_back_what_it_saved(small: Recipe, tmp_path: Path) -> None:
    groups = groups_of(small, tmp_path)
    digest = dataset.save(groups, tmp_path / "groups.jsonl")
    assert dataset.load(tmp_path / "groups.jsonl") == groups
    assert dataset.save(groups, tmp_path / "again.jsonl") == digest


@pytest.mark.parametrize("content", ["", "{}", '{"passages": []'])
def test_it_refuses_a_damaged_data_set(tmp_path: Path, content: str) -> None:
    path = tmp_path / "groups.jsonl"
    path.write_text(content, "utf-8")
    with pytest.raises(DatasetError, match="data set"):
        dataset.load(path)


def test_it_refuses_one_document_only(small: Recipe, tmp_path: Path) -> None:
    rows = [raw_row(n, "Ulm", f"tower {n}") for n in range(5)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(DatasetError, match="1 document"):
        splits.split(small, tmp_path)


def test_it_refuses_rows_without_gold_passages(small: Recipe, tmp_path: Path) -> None:
    rows = [raw_row(n, f"Place {n}", f"tower {n}", gold=[]) for n in range(5)]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with pytest.raises(DatasetError, match="gold"):
        splits.split(small, tmp_path)


def test_it_cuts_long_passages_between_sentences() -> None:
    sentences = [f"Sentence number {n} has exactly these eight words." for n in range(60)]
    pieces = dataset.chunk(Passage("T", " ".join(sentences)))
    assert len(pieces) > 1
    assert all(len(piece.text.split()) <= dataset.CHUNK_WORDS for piece in pieces)
    assert " ".join(piece.text for piece in pieces) == " ".join(sentences)


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [
        ("Flash [1] is cheap. [1] It is fast. [2]", "Flash is cheap [1]. It is fast [2]."),
        ("One [1] and two [2].", "One [1] and two [2]."),
    ],
)
def test_it_puts_one_citation_at_the_end_of_a_sentence(raw: str, tidy: str) -> None:
    assert dataset.tidy_citations(raw) == tidy


def test_it_finds_test_texts_among_training_texts(small: Recipe, tmp_path: Path) -> None:
    parts = splits.split(small, tmp_path)
    train, test = parts["train"]["towns"], parts["test"]["towns"]
    assert check(train, test).shared_passages == ()
    assert len(check(train, train).shared_passages) == check(train, train).passages
    assert check(train, train).shared_questions


def test_it_names_unknown_and_impossible_keys_of_a_recipe(tmp_path: Path, recipe_text: str) -> None:
    raw = yaml.safe_load(recipe_text)
    raw["training"] |= {"rank": 0, "epoch": 3}
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(raw), "utf-8")
    with pytest.raises(RecipeError, match=r"training\.rank.*training\.epoch"):
        recipe.load(path)
    with pytest.raises(RecipeError, match="Cannot read"):
        recipe.load(tmp_path / "absent.yaml")
    path.write_text("a: [", "utf-8")
    with pytest.raises(RecipeError, match="not YAML"):
        recipe.load(path)


@pytest.mark.parametrize("path", sorted(recipe.FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_it_ships_recipes_that_can_be_read(path: Path) -> None:
    assert recipe.load(path).sources
