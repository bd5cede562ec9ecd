from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.models import weights
from assistant.models.errors import DeploymentInvalid
from assistant.models.vllm.arguments import CPU_SERVER, MODULE, command, environment
from assistant.models.vllm.deployment import Deployment, Speculation, read
from assistant.models.vllm.launch import with_weights

FOLDER = Path(__file__).parents[3] / "deploy" / "vllm"


def arguments(name: str) -> list[str]:
    return command(read(FOLDER / f"{name}.yaml"), Path("python"), Path("/s"))


def value(made: list[str], option: str) -> str:
    return made[made.index(option) + 1]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_deployment_that_ships_can_be_read(path: Path) -> None:
    made = arguments(path.stem)
    assert value(made, "--uds") == "/s" and "--port" not in made
    assert "--enable-prefix-caching" in made and "--trust-remote-code" not in made


def test_several_nodes_are_spread_over_ray() -> None:
    made = arguments("two-nodes")
    assert value(made, "--tensor-parallel-size") == "4" and value(made, "--pipeline-parallel-size") == "2"
    assert value(made, "--distributed-executor-backend") == "ray"
    assert "--enable-expert-parallel" in made and "--enable-lora" not in made


def test_a_draft_model_or_the_prompt_speculates() -> None:
    draft = json.loads(value(arguments("draft-model"), "--speculative-config"))
    assert draft == {"method": "draft_model", "model": "/models/Qwen3-0.6B", "num_speculative_tokens": 5}
    ngram = json.loads(value(arguments("cpu-trial"), "--speculative-config"))
    assert ngram["method"] == "ngram" and ngram["prompt_lookup_max"] == 4


def test_the_embedded_model_and_a_draft_model_become_folders(tmp_path: Path) -> None:
    (unpacked := tmp_path / f"base-{weights.SHA256[:16]}").mkdir()
    wanted = Speculation(method="draft_model", draft="embedded", tokens=3)
    found = with_weights(Deployment(served_name="x", model="~", speculation=wanted), tmp_path)
    assert found.model == str(Path.home()) and found.speculation and found.speculation.draft == str(unpacked)
    on_a_hub = with_weights(Deployment(served_name="x", model="maker/large"), tmp_path)
    assert on_a_hub.model == "maker/large" and on_a_hub.speculation is None


def test_adapters_on_a_cpu_are_served_by_a_file_of_ours_without_compilation() -> None:
    made = arguments("cpu-trial")
    assert made[1:3] == ["-P", str(CPU_SERVER)] and CPU_SERVER.is_file()
    assert "--enforce-eager" in made and "-m" not in made
    assert arguments("one-gpu")[1:3] == ["-m", MODULE]


def test_the_environment_holds_nothing_that_is_not_ours() -> None:
    deployment = read(FOLDER / "cpu-trial.yaml")
    own = {"PATH": "/bin", "HF_TOKEN": "secret", "VLLM_SERVER_DEV_MODE": "1", "VLLM_PLUGINS": "evil"}
    made = environment(deployment, own, "key", Path("/cache"))
    assert made["PATH"] == "/bin" and made["VLLM_API_KEY"] == "key" and made["HF_HUB_OFFLINE"] == "1"
    assert not {"HF_TOKEN", "VLLM_SERVER_DEV_MODE", "VLLM_PLUGINS"} & set(made)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("served_name: x\ntensor_paralel: 2\n", "tensor_paralel"),
        ("served_name: ../x\n", "served_name"),
        ("served_name: x\nlora: {max_rank: 33}\n", "lora.max_rank"),
        ("served_name: x\ndevice: cpu\ntensor_parallel: 2\n", "CPU"),
        ("served_name: x\nray: true\n", "ray"),
        ("served_name: x\nspeculation: {method: draft_model}\n", "draft"),
        ("served_name: x\nspeculation: {method: ngram, lookup_longest: 1, lookup_shortest: 3}\n", "lookup_shortest"),
        ("- a\n- b\n", "the file"),
        ("served_name: !!python/object/apply:os.system ['true']\n", "cannot be read"),
    ],
)
def test_it_names_what_is_wrong_in_a_deployment(tmp_path: Path, text: str, about: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(DeploymentInvalid, match=about):
        read(tmp_path / "x.yaml")


def test_it_says_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DeploymentInvalid, match="cannot be read"):
        read(tmp_path / "absent.yaml")
