from __future__ import annotations

import contextlib
from typing import Any

import pytest

from egress.policy import Policy
from skills.builtin.web import page_text, web_skills
from skills.calling import Functions
from skills.errors import SkillFailure
from skills.http import GuardedHttp
from skills.types import Skill, SkillCall, SkillResult
from tests.skills.conftest import ANNA, Api

PAGE = b"""<html><head><title>Opening hours</title><script>var hidden = 1</script></head><body><nav>Home</nav>
<article><h1>Opening hours</h1><p>The shop in the old town opens at nine in the morning and closes at six in the evening
on every working day of the week, and on Saturdays it closes already at one o'clock.</p></article></body></html>"""


async def web(http: GuardedHttp) -> dict[str, Skill]:
    source = Functions("web", web_skills(http, max_bytes=50_000, timeout_s=30))
    return {skill.name: skill for skill in await source.load()}


async def call(skill: Skill, **arguments: object) -> SkillResult:
    return await skill.run(SkillCall(skill.name, arguments, ANNA))


async def test_reads_a_page_and_an_api(api: Api, local: GuardedHttp) -> None:
    found = await web(local)
    api.answer = lambda asked: (200, "text/html", PAGE)
    text = (await call(found["fetch_web_page"], url=f"{api.url}/hours")).text
    assert "opens at nine" in text and "hidden" not in text
    api.answer = lambda asked: (200, "application/json", b'{"a": [1]}')
    assert (await call(found["get_json"], url=f"{api.url}/x")).data == {"a": [1]}
    assert (await call(found["post_json"], url=f"{api.url}/x", body={"b": 2})).data == {"a": [1]}
    assert api.asked[-1].method == "POST" and api.asked[-1].body == b'{"b": 2}'
    assert {skill.name: skill.effect for skill in found.values()}["post_json"] == "write"
    assert all("outbound" in skill.tags for skill in found.values())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/", "http://localhost:{port}/", "http://[::1]:{port}/", "http://0/", "http://2130706433/"]
    + ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:a9fe:a9fe]/", "file:///etc/passwd", "gopher://x/"]
    + [
        "http://a@127.0.0.1/",
        "http://127.0.0.1\\@a.example/",
        "http://a.example:25/",
        "",
        "x",
        "http://",
        "javascript:1",
    ]
    + ["http://127.1/", "http://0x7f000001/", "http://127.0.0.1.:{port}/", "http://①②⑦.0.0.1/", "http://a b/"],
)
async def test_reaches_nothing_inside_the_network(url: str, api: Api) -> None:
    found = await web(GuardedHttp(Policy()))
    for name in ("fetch_web_page", "get_json"):
        result = await call(found[name], url=url.format(port=api.url.rsplit(":", 1)[1]))
        assert result.status in ("failed", "retry")
    assert api.asked == []


async def test_checks_each_redirect(api: Api) -> None:
    found = await web(GuardedHttp(Policy.of(["127.0.0.1"])))
    api.answer = lambda asked: (302, "http://169.254.169.254/latest", b"")
    assert "not a public address" in (await call(found["fetch_web_page"], url=api.url)).text
    api.answer = lambda asked: (302, "/again", b"")
    assert "redirects more than" in (await call(found["fetch_web_page"], url=api.url)).text
    assert len(api.asked) == 5
    api.answer = lambda asked: (302, "/page", b"") if asked.path == "/" else (200, "text/plain", b"there")
    assert (await call(found["fetch_web_page"], url=f"{api.url}/")).text == "there"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((404, "text/html", b"gone"), "retry"),
        ((500, "text/html", b"broken"), "failed"),
        ((200, "application/zip", b"PK"), "retry"),
        ((200, "text/html", b"x" * 60_000), "failed"),
        ((200, "text/html", b""), "failed"),
    ],
)
async def test_says_what_cannot_be_read(
    answer: tuple[int, str, bytes], status: str, api: Api, local: GuardedHttp
) -> None:
    found = await web(local)
    api.answer = lambda asked: answer
    assert (await call(found["fetch_web_page"], url=api.url)).status == status
    if answer[0] == 200:
        assert (await call(found["get_json"], url=api.url)).status == "failed"


def test_reads_text_where_no_article_is_found() -> None:
    text = page_text(b"<p>a</p><script>b</script><style>c</style>")
    assert text.split() == ["a"]


def test_survives_broken_pages() -> None:
    pages: list[Any] = [
        b"<" * 10_000,
        b"<p>" * 5_000 + b"x",
        b"\x00\xff<p>x",
        b"<!--",
        b"<svg><script>x</script></svg>y",
    ]
    for page in pages:
        with contextlib.suppress(SkillFailure):
            assert isinstance(page_text(page), str)
