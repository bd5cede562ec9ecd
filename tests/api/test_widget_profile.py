"""What an administrator may enter, and what is refused with one sentence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from assistant.widgets import registry
from assistant.widgets.errors import ProfileRefused
from assistant.widgets.hand_over import people_there
from assistant.widgets.profile import Hours, valid_origin
from assistant.widgets.rates import Rates


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://WWW.Example.COM/", "https://www.example.com"),
        ("https://www.example.com:443", "https://www.example.com"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_kept_as_browsers_send_it(given: str, kept: str) -> None:
    assert valid_origin(given) == kept == valid_origin(kept)


@pytest.mark.parametrize(
    "given",
    ["*", "https://*", "https://*.example.com", "null", "", "example.com", "https://", "ftp://example.com",
     "https://example.com/path", "https://example.com?x", "https://example.com#x", "https://user@example.com",
     "https://example.com:99999", "javascript:alert(1)", "https://exa mple.com", "file://"],
)  # fmt: skip
def test_what_is_no_exact_origin_is_refused(given: str) -> None:
    with pytest.raises(ProfileRefused, match=r"^origins\.0: "):
        registry.checked({"origins": [given]})


WRONG: list[dict[str, Any]] = [
    {"unknown": 1}, {"look": {"accent": "red;}"}}, {"look": {"accent": "url(x)"}}, {"limits": {"messages_per_day": 0}},
    {"limits": {"messages_per_day": "many"}}, {"words": {"questions": ["x"] * 7}}, {"languages": ["tlh"]},
    {"hand_over": {"webhook": "javascript:x"}}, {"hand_over": {"webhook": "file:///etc/passwd"}},
    {"hand_over": {"mail": "a@b\nBcc: c@d"}}, {"hand_over": {"hours": {"zone": "Nowhere/Here"}}},
    {"hand_over": {"hours": {"zone": "../../etc/passwd"}}},
    {"hand_over": {"hours": {"days": {"mon": ["17:00", "9:00"]}}}},
    {"hand_over": {"hours": {"days": {"mon": ["17:00", "09:00"]}}}}, {"words": {"greeting": "a\x00b"}},
]  # fmt: skip


@pytest.mark.parametrize("profile", WRONG, ids=str)
def test_what_cannot_be_used_is_refused_with_its_place(profile: dict[str, Any]) -> None:
    with pytest.raises(ProfileRefused, match=next(iter(profile))):
        registry.checked(profile)


def test_people_are_there_in_their_own_time_zone() -> None:
    hours = Hours(zone="Europe/Berlin", days={"mon": ("09:00", "17:00")})
    monday = datetime(2026, 7, 6, tzinfo=UTC)
    assert [people_there(hours, monday.replace(hour=hour).timestamp()) for hour in (6, 7, 14, 15)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not people_there(hours, monday.replace(day=7, hour=10).timestamp())
    assert people_there(Hours(), monday.timestamp())


def test_a_bucket_fills_with_time() -> None:
    moment = [0.0]
    rates = Rates(lambda: moment[0])
    assert [rates.take("a", 2, 60.0) for _ in range(3)] == [0.0, 0.0, 30.0]
    moment[0] = 31.0
    assert rates.take("a", 2, 60.0) == 0.0 and rates.take("a", 2, 60.0) > 0
    assert rates.take("b", 0, 60.0) == 60.0
