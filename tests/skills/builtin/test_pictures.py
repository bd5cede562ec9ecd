"""Pictures from an endpoint of OpenAI's shape: the sample server that ships, and ones that behave badly."""

from __future__ import annotations

import io
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from skills.auth import Bearer, Signer
from skills.builtin import Host, sources
from skills.builtin.pictures import PictureLimits, picture_in, picture_skills
from skills.builtin.sample_server import picture
from skills.calling import Functions
from skills.http import GuardedHttp
from skills.registry import Registry
from skills.secrets import Secrets
from skills.settings import SkillsSettings
from skills.sources import Parts
from skills.types import Person, SkillCall, SkillResult
from tests.skills.conftest import ANNA, BOB, Api, Asked

PNG = picture({"prompt": "a red fox"}).body
FOX = {"prompt": "a red fox"}
Kept = list[tuple[str, bytes, Person]]
Ask = Callable[..., Any]


@pytest.fixture
def kept() -> Kept:
    return []


@pytest.fixture
def ask(api: Api, local: GuardedHttp, registry: Registry, secrets: Secrets, kept: Kept) -> Ask:
    """Return a call of the skill over an endpoint that a test lets answer."""
    secrets.put("images", "sk-images")
    api.answer = lambda asked: (200, "application/json", json.dumps(PNG).encode())

    async def keep(media_type: str, data: bytes, person: Person) -> str:
        kept.append((media_type, data, person))
        return f"p{len(kept)}"

    async def asked(person: Person = ANNA, per_hour: int = 3, max_bytes: int = 50_000, **more: Any) -> SkillResult:
        if not registry.listed():
            signer = Signer(Bearer(kind="bearer", secret="images"), secrets, local)
            limits = PictureLimits(max_bytes, 5.0, per_hour)
            made = picture_skills(f"{api.url}/v1", "painter", local, signer, keep, limits)
            await registry.add(Functions("builtin:pictures", made))
        return await registry.call(SkillCall("draw_picture", {**FOX, **more}, person))

    return asked


async def test_asks_the_endpoint_and_keeps_the_picture_for_who_asked(ask: Ask, api: Api, kept: Kept) -> None:
    result = await ask(size="512x512")
    assert result.status == "ok" and result.data == {"picture": "p1", "shows": "a red fox", "size": "512x512"}
    ((media_type, data, person),) = kept
    assert media_type == "image/png" and person == ANNA and Image.open(io.BytesIO(data)).size == (64, 64)
    (asked,) = api.asked
    assert (asked.method, asked.path) == ("POST", "/v1/images/generations")
    assert json.loads(asked.body) == {
        "prompt": "a red fox", "n": 1, "size": "512x512", "response_format": "b64_json", "model": "painter"
    }  # fmt: skip
    assert asked.headers["Authorization"] == "Bearer sk-images"


async def test_fetches_a_picture_that_came_as_an_address_without_the_key(ask: Ask, api: Api, kept: Kept) -> None:
    png = Image.new("RGB", (8, 8))
    file = io.BytesIO()
    png.save(file, "PNG")

    def answer(asked: Asked) -> tuple[int, str, bytes]:
        if asked.method == "GET":
            return 200, "image/png", file.getvalue()
        return 200, "application/json", json.dumps({"data": [{"url": f"{api.url}/made.png"}]}).encode()

    api.answer = answer
    assert (await ask()).status == "ok" and kept[0][1] == file.getvalue()
    assert "Authorization" not in api.asked[1].headers


async def test_never_fetches_an_address_inside_the_network(ask: Ask, api: Api, kept: Kept) -> None:
    api.answer = lambda asked: (
        200, "application/json", json.dumps({"data": [{"url": "http://169.254.169.254/latest"}]}).encode()
    )  # fmt: skip
    result = await ask()
    assert result.status == "failed" and "169.254.169.254" in result.text and not kept


@pytest.mark.parametrize(
    ("status", "body", "became", "said"),
    [
        (400, {"error": {"message": "Not allowed by our policy."}}, "retry", "Not allowed by our policy."),
        (500, {}, "failed", "status 500"),
        (200, {"data": []}, "failed", "did not answer with a picture"),
        (200, {"data": [{"b64_json": None, "url": None}]}, "failed", "did not answer with a picture"),
        (200, {"data": [{"b64_json": "***"}]}, "failed", "did not answer with a picture"),
        (200, {"data": [{"b64_json": b64encode(b"<svg onload=x>").decode()}]}, "failed", "no PNG, JPEG or WebP"),
        (200, {"data": [{"b64_json": b64encode(bytes(90_000)).decode()}]}, "failed", ""),
        (200, [1], "failed", "did not answer with a picture"),
    ],
)
async def test_says_what_an_endpoint_did_instead(
    ask: Ask, api: Api, kept: Kept, status: int, body: object, became: str, said: str
) -> None:
    api.answer = lambda asked: (status, "application/json", json.dumps(body).encode())
    result = await ask()
    assert result.status == became and said in result.text and not kept


async def test_a_person_has_a_number_of_pictures_within_an_hour(ask: Ask, api: Api) -> None:
    assert [(await ask(per_hour=2)).status for _ in range(3)] == ["ok", "ok", "failed"]
    refused = await ask()
    assert "2 pictures within an hour" in refused.text and len(api.asked) == 2
    assert (await ask(BOB)).status == "ok"


async def test_is_there_only_where_an_endpoint_is_named(parts: Parts) -> None:
    async def keep(media_type: str, data: bytes, person: Person) -> str:
        return "p"

    names = [source.name for source in sources(Host(keep_picture=keep), parts)]
    assert "builtin:pictures" not in names
    settled = replace(parts, settings=SkillsSettings(images_url="http://127.0.0.1:9"))
    assert "builtin:pictures" in [source.name for source in sources(Host(keep_picture=keep), settled)]


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("Draw me a picture of a red fox", {"prompt": "a red fox"}),
        ("Please create an image of a lighthouse at night.", {"prompt": "a lighthouse at night"}),
        ("Can you generate a logo for our bakery?", {"prompt": "logo of our bakery"}),
        ("paint a watercolour painting of two boats", {"prompt": "watercolour painting of two boats"}),
        ("Draw me a red fox", {"prompt": "a red fox"}),
        ("Draw a 512x512 picture of a cat", {"prompt": "a cat", "size": "512x512"}),
        ("Make an illustration showing how bees fly", None),
        ("Generate an image of the disk", None),
        ("Create an image of the virtual server", None),
        ("Draw a picture of how sales went", None),
        ("How do I draw a picture of a fox?", None),
        ("Draw a conclusion from the report", None),
        ("Draw up a contract for the image rights", None),
        ("Which picture shows the red fox?", None),
        ("Make a list of all logos", None),
    ],
)
def test_reads_what_a_picture_shall_show(question: str, shown: dict[str, str] | None) -> None:
    assert picture_in(question) == shown
