"""For every test: the network ends at this machine, random numbers are seeded, slow kinds are known by their marks."""

from __future__ import annotations

import ipaddress
import random
import shutil
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine

from assistant import logs
from assistant.database import migrate
from knowledge.database import connect

# Marks whose tests need something big (a model, a browser, another environment) or take long.
SLOW = ("model", "browser", "fault", "train", "vllm", "bench", "fuzz")
# A busy machine may hold one example up for seconds, and every run draws the same ones.
hypothesis_settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("suite")
_LOCAL_NAMES = {"", "localhost", "0.0.0.0", "::", None}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-runs", type=int, default=5, help="How many seeded faults each fault test injects.")
    parser.addoption("--flood-chats", type=int, default=120, help="Chats that arrive at once in tests of overload.")
    parser.addoption("--injection-cases", type=int, default=24, help="Injection cases of each kind; all: 300.")


@pytest.fixture(scope="session")
def injection_cases(request: pytest.FixtureRequest) -> int:
    """How many injection cases to run; the whole run has 300 of each kind."""
    return int(request.config.getoption("--injection-cases"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: added by itself to tests marked " + ", ".join(SLOW))
    logs.configure("error")
    sys.addaudithook(_refuse_foreign_hosts)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.get_closest_marker(mark) for mark in SLOW):
            item.add_marker("slow")


@pytest.fixture
def fault_runs(request: pytest.FixtureRequest) -> int:
    """How many seeded faults to inject."""
    return int(request.config.getoption("--fault-runs"))


@pytest.fixture
def hiccup_s(fault_runs: int) -> float:
    """Seconds that the machine itself may cost an answer: of a few runs the p95 is the slowest, whatever held it up."""
    return 0.5 if fault_runs >= 20 else 10.0


@pytest.fixture
def flood_chats(request: pytest.FixtureRequest) -> int:
    """How many chats arrive at once; the whole run has 400 and 1,000."""
    return int(request.config.getoption("--flood-chats"))


@pytest.fixture(autouse=True)
def seed(request: pytest.FixtureRequest) -> int:
    """A number that differs between tests and not between runs; the global generators start from it."""
    number = zlib.crc32(request.node.nodeid.encode())
    random.seed(number)
    np.random.seed(number)
    return number


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put `__main__` back: Streamlit makes the script that it runs this module, and `multiprocessing` would run it."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest revision, to be copied: upgrading an empty one for each test takes half a second."""
    folder = tmp_path_factory.mktemp("migrated")
    engine = connect(f"sqlite:///{folder}/assistant.db")
    migrate(engine, folder)
    engine.dispose()
    return folder / "assistant.db"


@pytest.fixture
def engine(tmp_path: Path, migrated: Path) -> Iterator[Engine]:
    """A fresh database at the newest revision, in the data folder `tmp_path`."""
    shutil.copy(migrated, tmp_path / "assistant.db")
    made = connect(f"sqlite:///{tmp_path}/assistant.db")
    yield made
    made.dispose()


def _refuse_foreign_hosts(event: str, arguments: tuple[object, ...]) -> None:
    # An audit hook sees each connection and name lookup of this process, whichever library makes it.
    if event == "socket.connect":
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # None: a Unix socket
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOCAL_NAMES:
        return
    try:
        if ipaddress.ip_address(str(name).split("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    raise PermissionError(f"A test reached for {name!r}; tests talk to this machine only.")
