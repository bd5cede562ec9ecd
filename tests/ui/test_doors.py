"""Sign-in, set-up, sign-out, downloads, and the guard before all."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from ui.doors.guard import Guard
from ui.doors.routes import inside, routes
from ui.fake_api import FakeApi
from ui.state import COOKIE

from .conftest import user


async def page(_request: Request) -> Response:
    return PlainTextResponse("the pages")


async def stream(connection: WebSocket) -> None:
    await connection.accept("streamlit")
    await connection.send_bytes(b"the script")
    await connection.close()


@pytest.fixture
def door(fake: FakeApi) -> Iterator[TestClient]:
    app = Starlette(
        routes=[
            *routes(),
            Route("/_stcore/health", page),
            Route("/_stcore/upload_file/{session}/{file}", page, methods=["PUT", "DELETE"]),
            WebSocketRoute("/_stcore/stream", stream),
            Route("/{path:path}", page),
        ],
        middleware=[Middleware(Guard)],
    )
    with TestClient(app, base_url="http://inhouse.test", follow_redirects=False) as client:
        yield client


def sign_in(door: TestClient, name: str = "ada", password: str = "analytical-engine", **more: str) -> httpx.Response:
    return door.post("/sign-in", data={"name": name, "password": password, **more})  # type: ignore[return-value]


def test_sends_strangers_to_the_sign_in_page_and_back_afterwards(door: TestClient) -> None:
    sent = door.get("/documents?collection=abc")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/sign-in?next=%2Fdocuments%3Fcollection%3Dabc"
    assert 'value="/documents?collection=abc"' in door.get(sent.headers["location"]).text
    entered = sign_in(door, next="/documents?collection=abc")
    assert entered.headers["location"] == "/documents?collection=abc"
    assert door.get("/documents").text == "the pages"


def test_lets_streamlits_own_addresses_through(door: TestClient) -> None:
    assert door.get("/_stcore/health").status_code == 200


def upload(door: TestClient, token: str) -> int:
    headers = {"Cookie": f"{COOKIE}={token}".encode("latin-1")}
    sent = door.put("/_stcore/upload_file/session/file", content=b"x", headers=headers)  # type: ignore[arg-type]
    return sent.status_code


def first_message(door: TestClient, token: str) -> bytes:
    headers = {"Cookie": f"{COOKIE}={token}".encode("latin-1")}
    with door.websocket_connect("/_stcore/stream", ["streamlit", "xsrf"], headers=headers) as connection:
        assert connection.accepted_subprotocol == "streamlit"
        return connection.receive_bytes()


# None of them is a session; the last two are no header's value, so the API cannot even be asked.
@pytest.mark.parametrize("token", ["", "made-up", '"\\012"', "\u00e9"])
def test_takes_no_file_and_starts_no_script_for_strangers(door: TestClient, token: str) -> None:
    assert upload(door, token) == 401
    assert ForwardMsg.FromString(first_message(door, token)).auth_redirect.url == "/sign-in"


def test_takes_files_and_starts_scripts_for_people_until_they_sign_out(door: TestClient) -> None:
    sign_in(door)
    token = door.cookies[COOKIE]
    assert upload(door, token) == 200 and first_message(door, token) == b"the script"
    door.post("/sign-out")
    assert upload(door, token) == 401 and first_message(door, token) != b"the script"


def test_takes_no_file_while_nobody_can_confirm_the_session(door: TestClient, fake: FakeApi) -> None:
    fake.world.faults.down = True
    assert upload(door, "made-up") == 401


def test_keeps_the_token_from_scripts_and_from_other_sites(door: TestClient) -> None:
    cookie = sign_in(door).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie and "secure" not in cookie
    with TestClient(door.app, base_url="https://inhouse.test", follow_redirects=False) as safe:
        assert "secure" in sign_in(safe).headers["set-cookie"].lower()


def test_says_that_name_or_password_is_wrong_and_keeps_the_name(door: TestClient) -> None:
    refused = sign_in(door, name="ada<script>", password="nope")
    assert refused.status_code == 401 and "set-cookie" not in refused.headers
    assert "is wrong" in refused.text and "ada&lt;script&gt;" in refused.text and "<script>" not in refused.text


@pytest.mark.parametrize(
    "path",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "evil", "/a\nb", "/\t/x"],
)
def test_sends_nobody_elsewhere_after_signing_in(door: TestClient, path: str) -> None:
    assert inside(path) == "/"
    assert sign_in(door, next=path).headers["location"] == "/"


def test_takes_forms_from_our_own_page_only(door: TestClient) -> None:
    form = {"name": "ada", "password": "analytical-engine"}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in ("/sign-in", "/setup", "/sign-out"):
            refused = door.post(path, data=form, headers=headers)
            assert refused.status_code == 403 and "set-cookie" not in refused.headers
    assert door.post("/sign-in", data=form, headers={"Origin": "http://inhouse.test"}).status_code == 303


def test_signs_out_on_the_server_too(door: TestClient, fake: FakeApi) -> None:
    sign_in(door)
    token = door.cookies[COOKIE]
    out = door.post("/sign-out")
    assert out.headers["location"] == "/sign-in" and token not in fake.world.tokens
    assert COOKIE not in door.cookies
    door.cookies.set(COOKIE, token)
    assert door.get("/").status_code == 303


def test_sends_suspended_people_out(door: TestClient, fake: FakeApi) -> None:
    sign_in(door, "ben", "difference-engine")
    assert door.get("/").status_code == 200
    user(fake.world, "ben").active = False
    assert door.get("/").status_code == 303


def test_makes_the_first_administrator_with_the_one_time_link(door: TestClient, fake: FakeApi) -> None:
    fake.world.users.clear()
    fake.world.setup_token = "once"
    assert "not set up yet" in door.get("/sign-in").text.lower()
    link = door.get("/?setup=once")
    assert link.headers["location"] == "/setup?token=once"
    assert 'value="once"' in door.get("/setup?token=once").text
    form = {"token": "once", "name": "grace", "password": "cobol-forever", "again": "cobol-forever"}
    assert "differ" in door.post("/setup", data={**form, "again": "x"}).text
    assert "at least 8" in door.post("/setup", data={**form, "password": "x", "again": "x"}).text
    made = door.post("/setup", data=form)
    assert made.status_code == 303 and door.get("/").text == "the pages"
    assert door.post("/setup", data=form).status_code == 401
    assert door.get("/setup").headers["location"] == "/sign-in"


def test_passes_a_download_through_as_an_attachment(door: TestClient, fake: FakeApi) -> None:
    readable, secret = fake.world.documents.values()
    assert door.get(f"/files/{readable.id}").headers["location"] == "/sign-in"
    sign_in(door, "ben", "difference-engine")
    given = door.get(f"/files/{readable.id}")
    assert given.content == readable.content and given.headers["content-disposition"].startswith("attachment")
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in given.headers["content-security-policy"]
    assert door.get(f"/files/{secret.id}").status_code == 404
    assert "ada" not in door.get("/files/..%2f..%2fapi%2fusers").text


def test_gives_every_answer_headers_that_help_browsers(door: TestClient) -> None:
    for path in ("/", "/sign-in", "/door/door.css", "/_stcore/health"):
        headers = door.get(path).headers
        assert "img-src 'self' data: blob:" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_decides_by_the_path_and_not_by_the_host(door: TestClient) -> None:
    for host in ("inhouse.test/_stcore/", "x/../_stcore/health", "_stcore"):
        assert door.get("/documents", headers={"Host": host}).status_code == 303


def test_serves_the_few_files_it_knows(door: TestClient) -> None:
    for name in ("door.css", "mark.svg", "sans.woff2", "serif.woff2"):
        assert door.get(f"/door/{name}").status_code == 200, name
    assert door.get("/door/routes.py").status_code == 404


def test_shows_the_page_when_the_api_is_down_so_that_it_can_say_so(door: TestClient, fake: FakeApi) -> None:
    sign_in(door)
    fake.world.faults.down = True
    assert door.get("/").text == "the pages"
