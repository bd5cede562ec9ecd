"""The widget on ordinary pages, in a real browser."""

# ruff: noqa: E501 - scripts of pages read better on one line

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.host_site import HostSite, site, visit


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[HostSite]:
    with site(tmp_path_factory.mktemp("shop"), migrated) as made:
        yield made


def test_a_visitor_asks_reads_a_source_and_rates(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        expect(tab.page.locator(".log")).to_contain_text("how can we help?")
        answer = tab.ask("How much leave?")
        expect(answer.locator("strong")).to_have_text("30 days")
        expect(answer.locator("li")).to_have_count(2)
        answer.locator("button.cite").first.click()
        expect(tab.page.locator(".sheet blockquote")).to_have_text("30 days")
        tab.page.keyboard.press("Escape")
        expect(tab.page.locator(".sheet")).to_have_count(0)
        answer.get_by_role("button", name="Helpful", exact=True).click()
        expect(answer).to_contain_text("Thank you")
        assert tab.page.context.cookies() == [] and tab.foreign == [] and tab.bugs == []


def test_it_survives_a_reload_with_the_same_text(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        said = tab.ask("How much leave?").locator(".text").inner_text()
        tab.page.reload()
        again = tab.page.locator("article.bot[aria-busy=false] .text")
        expect(again).to_have_count(1)
        assert again.inner_text() == said
        tab.page.get_by_role("button", name="New chat").click()
        expect(again).to_have_count(0)


def test_a_suggested_question_is_asked_by_a_click(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        tab.page.get_by_role("button", name="How much leave is there?").click()
        expect(tab.page.locator("article.bot[aria-busy=false]").last).to_contain_text("30 days")


def test_the_keyboard_alone_is_enough(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", "<button id=before>Buy</button>" + shop.tag()))
        tab.page.locator("button.bubble").wait_for()
        tab.page.locator("#before").focus()
        tab.page.keyboard.press("Tab")
        tab.page.keyboard.press("Enter")
        tab.page.keyboard.type("How much leave?")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("article.bot[aria-busy=false]").last).to_contain_text("30 days")
        tab.page.keyboard.press("Escape")
        expect(tab.page.locator("section.panel")).to_be_hidden()
        expect(tab.page.locator("button.bubble")).to_have_attribute("aria-expanded", "false")


def test_every_control_has_a_name_and_news_are_announced(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        tab.ask("How much leave?")
        nameless = tab.page.locator("inhouse-chat").evaluate(
            """host => [...host.shadowRoot.querySelectorAll('button,textarea,input,[role=link],[role=dialog],[role=region]')]
              .filter(one => !(one.getAttribute('aria-label') || one.textContent.trim() || one.getAttribute('aria-labelledby')))
              .map(one => one.outerHTML)"""
        )
        assert nameless == []
        expect(tab.page.get_by_role("dialog", name="Help")).to_be_visible()
        expect(tab.page.locator("[role=status]")).to_contain_text("30 days of leave")
        small = tab.page.locator("inhouse-chat").evaluate(
            """host => [...host.shadowRoot.querySelectorAll('button')].filter(one => one.getClientRects().length)
              .map(one => [one.title, one.getBoundingClientRect()]).filter(([, box]) => box.width < 24 || box.height < 24)
              .map(([title]) => title)"""
        )
        assert small == []  # WCAG 2.2 2.5.8: targets of 24 by 24 at least


def test_on_a_phone_it_fills_the_screen_and_keeps_the_focus(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop, viewport={"width": 390, "height": 780}, has_touch=True) as tab:
        tab.page.goto(shop.page("/", shop.tag(), head="<meta name=viewport content='width=device-width'>"))
        tab.open()
        box = tab.page.locator("section.panel").bounding_box()
        assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
        expect(tab.page.locator("section.panel")).to_have_attribute("aria-modal", "true")
        for _ in range(12):
            tab.page.keyboard.press("Tab")
            assert tab.page.evaluate("document.activeElement.tagName") == "INHOUSE-CHAT"


@pytest.mark.parametrize("language", ["de", "fr", "es", "zh", "ar", "en"])
def test_it_speaks_the_pages_language(browser: Browser, shop: HostSite, language: str) -> None:
    labels = {"de": "Senden", "fr": "Envoyer", "es": "Enviar", "zh": "发送", "ar": "إرسال", "en": "Send"}
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag(lang=language)))
        tab.open()
        expect(tab.page.locator("button.main")).to_have_attribute("aria-label", labels[language])
        direction = tab.page.locator("section.panel").evaluate("one => getComputedStyle(one).direction")
        assert direction == ("rtl" if language == "ar" else "ltr")


def test_it_stands_in_the_page_where_asked(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", "<div id=help></div>" + shop.tag(mode="inline", target="#help")))
        expect(tab.page.locator("#help section.panel")).to_be_visible()
        assert "30 days" in tab.ask("How much leave?").inner_text()


def test_the_page_may_open_ask_and_listen(browser: Browser, shop: HostSite) -> None:
    listen = "<script>window.heard = []; addEventListener('load', () => { for (const name of ['open', 'question', 'answer', 'close'])" \
             " InhouseChat.on(name, () => heard.push(name)) })</script>"  # fmt: skip
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag() + listen))
        tab.page.locator("button.bubble").wait_for()
        tab.page.evaluate("InhouseChat.ask('How much leave?')")
        expect(tab.page.locator("article.bot[aria-busy=false]").last).to_contain_text("30 days")
        tab.page.evaluate("InhouseChat.close()")
        expect(tab.page.locator("section.panel")).to_be_hidden()
        assert tab.page.evaluate("heard") == ["open", "question", "answer", "close"]


def test_the_host_sites_server_says_who_the_visitor_is(browser: Browser, shop: HostSite) -> None:
    import json

    from tests.api.widget_world import host_token

    shop.pages["/token"] = (json.dumps({"token": host_token(shop.secret, shop.widget.id, sub="zoe")}), {})
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag(token_url="/token")))
        tab.open()
        tab.ask("Who am I?")
        from assistant.widgets import transcripts

        found = transcripts.page(shop.world.app.engine, shop.widget.id, 1)
        assert found[0].visitor == "zoe" and found[0].title == "Who am I?"


def test_colours_are_the_sites_own(browser: Browser, shop: HostSite) -> None:
    style = "<style>inhouse-chat { --inhouse-accent: rgb(1, 2, 3) }</style>"
    with visit(browser, shop, color_scheme="dark") as tab:
        tab.page.goto(shop.page("/", shop.tag(), head=style))
        tab.open()
        look = "one => getComputedStyle(one).backgroundColor"
        assert tab.page.locator("header").evaluate(look) == "rgb(1, 2, 3)"
        assert tab.page.locator("section.panel").evaluate(look) == "rgb(22, 27, 26)"


def test_two_widgets_on_one_page_keep_apart(browser: Browser, shop: HostSite) -> None:
    from assistant.widgets import registry

    engine = shop.world.app.engine
    other = registry.create(engine, "Sales", shop.widget.profile)
    registry.change(engine, other.id, enabled=True)
    second = shop.tag(side="left").replace(shop.widget.id, other.id)
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag() + second))
        expect(tab.page.locator("button.bubble")).to_have_count(2)
        tab.page.evaluate(f"InhouseChat.all['{other.id}'].ask('Sell me something')")
        expect(tab.page.locator("article.bot[aria-busy=false]")).to_have_count(1)
        expect(tab.page.locator("section.panel:visible h2")).to_have_text("Sales")
        from assistant.widgets import transcripts

        assert [one.title for one in transcripts.page(engine, other.id, 5)] == ["Sell me something"]
    registry.remove(engine, other.id)


def test_a_flood_costs_the_browser_some_work(browser: Browser, shop: HostSite) -> None:
    from assistant.widgets import registry

    engine = shop.world.app.engine
    limits = shop.widget.profile.limits.model_dump()
    registry.change(engine, shop.widget.id, changes={"limits": limits | {"challenge_above": 0}})
    try:
        with visit(browser, shop) as tab:
            tab.page.goto(shop.page("/", shop.tag()))
            tab.open()
            assert "30 days" in tab.ask("How much leave?").inner_text()
    finally:
        registry.change(engine, shop.widget.id, changes={"limits": limits})


def test_the_switch_says_one_sentence(browser: Browser, shop: HostSite) -> None:
    from assistant.widgets import registry

    engine = shop.world.app.engine
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        tab.ask("How much leave?")
        registry.change(engine, shop.widget.id, enabled=False)
        tab.page.locator("form.ask textarea").fill("And now?")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("article.bot .alert")).to_have_text(re.compile("not available at the moment"))
        registry.change(engine, shop.widget.id, enabled=True)
