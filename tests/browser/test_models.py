"""An administrator changes models, before the stand-in."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.site import Tab
from ui.fake_api import World


def test_an_administrator_loads_an_adapter_and_sees_it_answer(scripted: tuple[Tab, World]) -> None:
    admin, world = scripted
    admin.open("/models", "Models")
    page = admin.page
    expect(page.get_by_text("96 tokens/s")).to_be_visible()
    expect(page.get_by_text("Its rank is 512")).to_be_visible()
    row = page.locator(".st-key-person-adapter-medical-77c0")
    row.get_by_role("button", name="Load").click()
    expect(row.get_by_role("button", name="Unload")).to_be_visible()
    assert world.adapters["medical-77c0"].loaded
    expect(page.locator(".st-key-card-model-medical-77c0")).to_be_visible()
    page.get_by_placeholder("Type a question to see").fill("When does the gym open?")
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("Rule “easy”")).to_be_visible()
    assert not admin.bugs and not admin.foreign
