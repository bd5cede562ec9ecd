"""One way to the product for every command: the HTTP API of the server on the data folder.

Where none runs, one is started for the command.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from assistant.cli.output import Failed, note
from assistant.data_folder import make_writable
from assistant.server_file import running_server
from assistant.settings import Settings

# A cold start imports semantic-kernel, opens both indexes and loads the model: 5 to 15 s on two cores.
START_TIMEOUT_S = 120.0
LINE_SHOWN = 500  # characters of the log of a server that did not start
_KEY_ANEW = "restart the assistant, which writes it anew."
# Of a foreign error's last lines, what says nothing to whom it happened.
_ASIDES = ("(Background on this error", "[SQL:", "[parameters:")
REQUEST_TIMEOUT = httpx.Timeout(600.0, connect=5.0)


@contextmanager
def connect(settings: Settings, *, as_user: str | None = None, with_model: bool = False) -> Iterator[httpx.Client]:
    """Yield a client of the API with the rights of whoever may read the data folder's local key.

    Starts a server on a free loopback port when none runs, and stops it afterwards; `with_model` waits until its
    language model answers, too. Raises Failed when it does not come up.
    """
    url = running_server(settings.data_dir)
    child = None
    if url is None:
        child = _start(settings)
        url = _wait(settings, child, "/readyz" if with_model else "/livez")
    try:
        headers = {"Authorization": f"Bearer {local_key(settings)}"}
        if as_user:
            headers["X-Assistant-As"] = as_user
        with httpx.Client(base_url=url, headers=headers, timeout=REQUEST_TIMEOUT) as client:
            yield client
    except httpx.TransportError as error:
        raise Failed(
            f"The server at {url} stopped answering ({type(error).__name__}); see {settings.data_dir}/logs."
        ) from error
    finally:
        if child is not None:
            stop(child)


def local_key(settings: Settings) -> str:
    """Return the key of this machine's operator, which a server writes as it starts; raises Failed without it."""
    path = settings.data_dir / "run" / "local.key"
    try:
        return path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise Failed(f"The key of the server cannot be read from {path} ({error}); {_KEY_ANEW}") from error


def refusal(reply: httpx.Response) -> str:
    """Return the sentence for a reply that is no success; where it is about the operator's key, what to do."""
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        return f"The key in run/local.key of the data folder is not this server's; {_KEY_ANEW}"
    return sentence(reply)


def spawn(settings: Settings, module: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start one of our own modules on the same data folder in a child process."""
    command = [sys.executable, "-m", module, "--data-dir", str(settings.data_dir), *arguments]
    return subprocess.Popen(command, **options)


def stop(child: subprocess.Popen[bytes], grace_s: float = 15.0) -> None:
    """End a child: politely first, then by force after `grace_s` seconds."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(grace_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def call(client: httpx.Client, method: str, path: str, **options: Any) -> Any:
    """Return the JSON of one request; raises Failed with the problem's own sentence when the API refuses."""
    reply = client.request(method, path, **options)
    if reply.is_success:
        return reply.json() if reply.content else None
    raise Failed(refusal(reply))


def sentence(reply: httpx.Response) -> str:
    """Return the sentence for people in a problem document or an OpenAI error, or the status line."""
    try:
        body = reply.json()
    except ValueError:
        return f"The server answered {reply.status_code} {reply.reason_phrase}."
    if isinstance(body.get("error"), dict):
        return str(body["error"].get("message"))
    return str(body.get("detail") or body.get("title") or f"The server answered {reply.status_code}.")


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    make_writable(settings.data_dir)
    note("Starting the assistant for this command; `assistant up` keeps it running.")
    with (settings.data_dir / "logs" / "command.log").open("ab") as log:
        return spawn(settings, "assistant.serve", "--port", "0", stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _wait(settings: Settings, child: subprocess.Popen[bytes], probe: str) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        url = running_server(settings.data_dir)
        if url and _answers(url + probe):
            return url
        time.sleep(0.1)
    log = settings.data_dir / "logs" / "command.log"
    if child.poll() is None:
        stop(child)
        raise Failed(f"The assistant was not ready after {START_TIMEOUT_S:.0f} s; see {log}, then try again.")
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if not line.startswith(_ASIDES)]
    last = next((line for line in reversed(lines) if line.strip()), "")
    raise Failed(
        f"The assistant did not start; the last line of {log} is: {last[:LINE_SHOWN]}\n"
        "`assistant doctor` says what to repair."
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).status_code == 200
    except httpx.TransportError:
        return False
