"""One request to an API, through httpx: what comes back is bounded, and broken answers have the guard's own errors."""

from __future__ import annotations

import gzip

import pytest

from egress.errors import BadAnswer, EgressError
from egress.policy import Policy
from egress.request import Answered, request
from tests.egress.conftest import Site, page
from tests.egress.test_client import NO_URL, redirect


@pytest.fixture
def url(site: Site) -> str:
    return f"http://127.0.0.1:{site.port}/"


async def ask(url: str) -> Answered:
    return await request("GET", url, {}, None, max_bytes=100_000, timeout_s=60, policy=Policy.of(["127.0.0.1"]))


@pytest.mark.parametrize(
    "header",
    ["Content-Encoding: gzip", "CONTENT-ENCODING: GZip", "content-encoding: gzip"]
    + ["Content-Encoding: gzip\r\nContent-Encoding: identity", "Content-Encoding: identity, gzip"],
)
async def test_it_inflates_nothing(site: Site, url: str, header: str) -> None:
    site.answers["/"] = page(gzip.compress(b"\0" * 10_000_000), header)
    with pytest.raises(BadAnswer, match="not asked for"):
        await ask(url)


async def test_it_takes_a_body_that_is_said_to_be_as_it_is(site: Site, url: str) -> None:
    site.answers["/"] = page(b"plain", "Content-Encoding: Identity")
    assert (await ask(url)).body == b"plain"


@pytest.mark.parametrize("location", NO_URL)
async def test_it_has_an_error_of_its_own_for_a_redirect_to_what_is_no_url(site: Site, url: str, location: str) -> None:
    site.answers["/"] = redirect(302, location)
    with pytest.raises(EgressError):
        await ask(url)
