"""`assistant adapt`, from its entry point."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assistant.adaptation import measured
from assistant.adaptation import publish as registry
from assistant.adaptation.adapter import sha256
from assistant.adaptation.comparison import compare
from assistant.adaptation.errors import AdapterError, AdapterWorse, TrainExtraMissing
from assistant.adaptation.metrics import Scored
from assistant.cli.main import app
from tests.adaptation.conftest import make_adapter


def adapt(tmp_path: Path, *arguments: str | Path) -> object:
    result = CliRunner().invoke(
        app, ["--data-dir", str(tmp_path / "var"), "adapt", *map(str, arguments), "--json"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_it_publishes_and_goes_back(tmp_path: Path, base_gguf: Path, adapter: Path) -> None:
    (tmp_path / "var").mkdir()
    published = adapt(tmp_path, "publish", adapter, "--base", base_gguf)
    assert isinstance(published, dict)
    assert registry.active(tmp_path / "var") == tmp_path / "var" / "adapters" / published["folder"]
    assert adapt(tmp_path, "rollback") == {"active": None}


def test_it_fails_with_one_sentence_and_publishes_nothing(tmp_path: Path, base_gguf: Path) -> None:
    (tmp_path / "var").mkdir()
    with pytest.raises(AdapterError, match="no complete adapter folder"):
        adapt(tmp_path, "publish", tmp_path / "absent", "--base", base_gguf)
    assert registry.read(tmp_path / "var").history == ()


def test_it_exports_weights_that_any_engine_reads(tmp_path: Path, base_gguf: Path, adapter: Path) -> None:
    made = adapt(tmp_path, "export", adapter, "--out", tmp_path / "out", "--base", base_gguf)
    assert isinstance(made, dict)
    assert Path(made["weights"]).stat().st_size == made["bytes"]


def test_it_builds_a_data_set_with_its_card(tmp_path: Path, rows_file: Path, recipe_text: str) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe_text, "utf-8")
    card = adapt(tmp_path, "dataset", tmp_path / "recipe.yaml", "--data", tmp_path, "--out", tmp_path / "set")
    assert isinstance(card, dict)
    assert card["branches"]["answerable"] > 0
    assert card["sources"][0]["licence"] == "CC0"
    assert {p.name for p in (tmp_path / "set").iterdir()} == {"groups.jsonl", "development.jsonl", "card.json"}


def test_it_leaves_no_data_set_when_the_rows_are_unusable(tmp_path: Path, recipe_text: str, capfd: object) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe_text, "utf-8")
    (tmp_path / "rows.jsonl").write_text("", "utf-8")
    arguments = [
        "adapt",
        "dataset",
        str(tmp_path / "recipe.yaml"),
        "--data",
        str(tmp_path),
        "--out",
        str(tmp_path / "set"),
    ]
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path / "var"), *arguments])
    assert result.exit_code == 1
    assert "holds no rows" in capfd.readouterr().err  # type: ignore[attr-defined]
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(
    ("command", "document", "said"),
    [
        ("dataset", "development: [Town 0], ", "rows_without_development"),
        ("evaluate", ", test: [Town 1]", "rows_without_test"),
    ],
)
def test_it_says_so_when_no_document_is_left_to_choose_or_to_measure_by(
    tmp_path: Path, rows_file: Path, recipe_text: str, capfd: pytest.CaptureFixture[str],
    command: str, document: str, said: str, adapter: Path, base_gguf: Path,
) -> None:  # fmt: skip
    assert document in recipe_text
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_text.replace(document, ""), "utf-8")
    given = {
        "dataset": [recipe, "--data", tmp_path, "--out", tmp_path / "set"],
        "evaluate": [rows_file, "--adapter", adapter, "--base", base_gguf, "--recipe", recipe],
    }[command]
    called = ["--data-dir", tmp_path / "var", "adapt", command, *given]
    assert CliRunner().invoke(app, [str(one) for one in called]).exit_code == 1
    assert f"[{said}]" in capfd.readouterr().err and not (tmp_path / "set").exists()


def test_it_names_the_extra_when_training_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(TrainExtraMissing, match="make train"):
        adapt(tmp_path, "train", "recipe.yaml", "--dataset", "set", "--run", "run")


def test_an_adapter_whose_answers_are_worth_less_is_published_on_an_explicit_word_alone(
    tmp_path: Path, base_gguf: Path, adapter: Path
) -> None:
    data = tmp_path / "var"
    data.mkdir()
    live = make_adapter(tmp_path / "live", sha256(base_gguf), seed=9)
    registry.publish(data, live, sha256(base_gguf))
    better, worse = (compare([_scored(ours)] * 9, [_scored(0.5)] * 9) for ours in (0.6, 0.4))
    measured.keep(adapter, live, [tmp_path / "ratings.jsonl"], worse)
    with pytest.raises(AdapterWorse, match="--anyway"):
        adapt(tmp_path, "publish", adapter, "--base", base_gguf)
    assert len(registry.read(data).history) == 1
    found = measured.beside(data, adapter)
    assert found is not None and "worth 0.40, those of small 0.50 (difference -0.10" in found.told
    adapt(tmp_path, "publish", adapter, "--base", base_gguf, "--anyway")
    assert adapt(tmp_path, "rollback")["active"]["folder"] == registry.read(data).history[0].folder  # type: ignore[index]
    measured.keep(adapter, live, [tmp_path / "ratings.jsonl"], better)
    adapt(tmp_path, "publish", adapter, "--base", base_gguf)


def test_figures_hold_for_the_two_adapters_that_were_compared_alone(
    tmp_path: Path, base_gguf: Path, adapter: Path
) -> None:
    data, base = tmp_path / "var", sha256(base_gguf)
    data.mkdir()
    live, other = (make_adapter(tmp_path / name, base, seed=seed) for name, seed in (("live", 9), ("other", 10)))
    registry.publish(data, live, base)
    measured.keep(adapter, live, [], compare([_scored(0.1)], [_scored(0.9)]))
    found = measured.beside(data, adapter)
    assert found is not None and found.worse
    shutil.copy(adapter / measured.FILE, other / measured.FILE)
    assert measured.beside(data, other) is None  # another adapter's figures
    registry.publish(data, other, base)
    assert measured.beside(data, adapter) is None  # another adapter is live now


def _scored(f1: float) -> Scored:
    return Scored(f1, f1, 1.0, 1.0, False, True, 3)
