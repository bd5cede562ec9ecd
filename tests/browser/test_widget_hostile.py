"""The widget on pages that work against it, and with answers that an attacker wrote."""

# ruff: noqa: E501 - scripts and styles of other people's pages read better on one line

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.carriers import HOST, numbered
from tests.browser.host_site import HostSite, closed_text, site, visit

AT_ONCE = 15


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[HostSite]:
    with site(tmp_path_factory.mktemp("hostile"), migrated) as made:
        made.says.texts["title"] = numbered()[0]
        made.says.texts["quote"] = "\n".join(numbered()[20:50])
        yield made
        made.says.texts.clear()


# Each spoils something before the widget loads; `stolen` collects what passes through the spoilt functions.
SPOILERS = {
    "fetch": "window.fetch = (...given) => { stolen.push(String(given[1] && JSON.stringify(given[1]))); return new Promise(() => {}) }",
    "arrays": """for (const name of ['map', 'filter', 'forEach', 'push', 'join', 'find', 'slice', 'concat', 'pop', 'includes'])
        Array.prototype[name] = function (...given) { for (let n = 0; n < this.length; n++) stolen[stolen.length] = '' + this[n]; throw 1 }""",
    "promises": "Promise.prototype.then = function () { throw new Error('no then') }",
    "JSON": "JSON.parse = (text) => { stolen.push(text); return {} }; JSON.stringify = () => '{}'",
    "texts": "String.prototype.split = String.prototype.trim = String.prototype.matchAll = function () { stolen.push(String(this)); return [] }",
    "elements": """const make = Node.prototype.append; for (const name of ['textContent', 'innerHTML'])
        Object.defineProperty(name === 'innerHTML' ? Element.prototype : Node.prototype, name, { set(value) { stolen.push(value) }, get() { return '' } })
        Element.prototype.setAttribute = function (name, value) { stolen.push(value) }""",
    "shadow roots": """window.roots = []; Element.prototype.attachShadow = function () { stolen.push('root'); throw 1 }""",
    "prototypes": "for (const name of ['token', 'resume', 'preview', 'lang', 'headers', 'body', 'get', 'set']) Object.prototype[name] = 'polluted'",
    "timers": "window.requestAnimationFrame = window.setTimeout = (work) => { stolen.push(String(work)); return 0 }",
    "encodings": "TextDecoder.prototype.decode = function () { stolen.push('decoded'); return '' }; window.AbortController = null",
    "storage": "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('no storage') } })",
}  # fmt: skip


def run(page: Page, code: str) -> Any:
    """Run code on the page by the debugger, which needs nothing that the page may have spoilt."""
    session = page.context.new_cdp_session(page)
    answer = session.send("Runtime.evaluate", {"expression": code, "returnByValue": True})
    session.detach()
    return answer["result"].get("value")


def until(page: Page, words: str) -> str:
    """Wait until the page's text, as only the debugger sees it, holds some words; returns the text."""
    for _ in range(600):
        text = closed_text(page)
        if words in text:
            return text
        time.sleep(0.1)
    raise AssertionError(text[-800:])


def ask_unseen(page: Page, question: str) -> str:
    """Ask with the keyboard, since nothing of the widget can be reached, and return the page's text afterwards."""
    until(page, "Ask a question")
    run(page, "InhouseChat.open()")
    until(page, "help?")
    page.keyboard.type(question)
    page.keyboard.press("Enter")
    return until(page, "in winter")


@pytest.mark.parametrize("what", SPOILERS)
def test_a_page_that_spoils_what_it_can_learns_nothing_and_breaks_nothing(
    browser: Browser, shop: HostSite, what: str
) -> None:
    with visit(browser, shop, opened=False) as tab:
        spoil = f"<script>window.stolen = []; {SPOILERS[what]}</script>"
        tab.page.goto(shop.page("/", shop.tag(), head=spoil))
        assert "30 days" in ask_unseen(tab.page, "My secret is 4711")
        stolen = run(tab.page, "{ let all = ''; for (let n = 0; n < stolen.length; n++) all += stolen[n] + ' '; all }")
        assert "4711" not in stolen and "wvt_" not in stolen and "30 days" not in stolen, stolen[:300]


def test_the_page_finds_neither_the_token_nor_the_words(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop, opened=False) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        ask_unseen(tab.page, "My secret is 4711")
        found = tab.page.evaluate(
            """() => { const seen = new Set(), hits = []
              const look = (value, depth) => {
                if (typeof value === 'string') { if (/wvt_|4711|30 days/.test(value)) hits.push(value.slice(0, 80)); return }
                if (value === null || !['object', 'function'].includes(typeof value) || seen.has(value) || depth > 4) return
                seen.add(value)
                for (const key of Reflect.ownKeys(value)) { try { look(value[key], depth + 1) } catch { } }
              }
              look(window.InhouseChat, 0)
              for (let n = 0; n < window.length; n++) look(window[n], 2)
              for (const store of [localStorage, sessionStorage]) for (let n = 0; n < store.length; n++) look(store.getItem(store.key(n)), 0)
              look(document.documentElement.outerHTML, 0)
              look(document.cookie, 0)
              return [hits, document.querySelector('inhouse-chat').shadowRoot, window.length] }"""
        )
        assert found == [[], None, 0]


def test_messages_of_the_page_are_not_answered(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        tab.ask("How much leave?")
        before = len(shop.says.asked)
        tab.page.evaluate(
            """() => { for (const data of ['ask', { type: 'ask', question: 'x' }, { token: 'x' }, JSON.stringify({ ask: 'x' })])
              for (const target of [window, ...Array.from({ length: window.length }, (_, n) => window[n])]) target.postMessage(data, '*') }"""
        )
        tab.page.wait_for_timeout(500)
        assert len(shop.says.asked) == before and tab.bugs == []
        expect(tab.page.locator("article.bot")).to_have_count(1)


CSS_RESETS = {
    "everything hidden": "* { display: none !important; visibility: hidden !important } html, body { display: block !important }",
    "everything huge": "* { all: unset !important; font-size: 90px !important; color: red !important }",
    "our element moved": "inhouse-chat { position: fixed !important; left: -9999px !important; transform: scale(0) !important; opacity: 0 !important }",
}


@pytest.mark.parametrize("what", CSS_RESETS)
def test_the_pages_styles_do_not_reach_it(browser: Browser, shop: HostSite, what: str) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag(), head=f"<style>{CSS_RESETS[what]}</style>"))
        tab.open()
        answer = tab.ask("How much leave?")
        expect(answer).to_be_visible()
        assert answer.evaluate("one => getComputedStyle(one).fontSize") == "15px"
        box = tab.page.locator("section.panel").bounding_box()
        assert box is not None and box["x"] > 0 and box["width"] == 384


def test_it_works_under_a_strict_policy(browser: Browser, shop: HostSite) -> None:
    policies = (
        f"default-src 'none'; script-src {shop.api}; connect-src {shop.api}; base-uri 'none'; form-action 'none'",
        f"default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; connect-src {shop.api}; style-src 'none'; object-src 'none'",
        f"default-src 'none'; script-src 'nonce-abc'; connect-src {shop.api}; frame-src 'none'",
        f"script-src {shop.api}; connect-src {shop.api}; style-src 'none'; require-trusted-types-for 'script'",
    )
    for policy in policies:
        tag = shop.tag().replace("<script ", "<script nonce=abc ")
        with visit(browser, shop) as tab:
            tab.page.goto(shop.page("/", tag, Content_Security_Policy=policy))
            tab.open()
            assert "30 days" in tab.ask("How much leave?").inner_text(), policy
            look = tab.page.locator("header").evaluate("one => getComputedStyle(one).backgroundColor")
            assert look == "rgb(15, 92, 77)", policy
            refused = [line for line in tab.lines if "Content Security Policy" in line and "favicon" not in line]
            assert refused == [] or "trusted-types" in policy, refused


def test_a_page_of_another_origin_gets_one_sentence_and_no_answer(browser: Browser, shop: HostSite) -> None:
    address = shop.page("/", shop.tag()).replace("localhost", "127.0.0.1")
    with visit(browser, shop) as tab:
        before = len(shop.says.asked)
        tab.page.goto(address)
        tab.open()
        expect(tab.page.locator(".alert")).to_have_text("This chat is not available on this site.")
        tab.page.locator("form.ask textarea").fill("Hello?")
        tab.page.keyboard.press("Enter")
        expect(tab.page.locator("article.bot .alert")).to_have_text("This chat is not available on this site.")
        assert len(shop.says.asked) == before


def test_a_sandboxed_frame_has_no_origin_and_gets_no_answer(browser: Browser, shop: HostSite) -> None:
    inner = shop.page("/inner", shop.tag(mode="inline"))
    with visit(browser, shop) as tab:
        before = len(shop.says.asked)
        tab.page.goto(
            shop.page("/", f"<iframe sandbox='allow-scripts allow-forms' src='{inner}' width=600 height=600></iframe>")
        )
        frame = tab.page.frame_locator("iframe")
        expect(frame.locator(".alert")).to_have_text("This chat is not available on this site.")
        assert len(shop.says.asked) == before


@pytest.mark.parametrize("start", range(0, len(numbered()), AT_ONCE))
def test_an_answer_stays_text_while_it_streams_and_from_history(browser: Browser, shop: HostSite, start: int) -> None:
    group = numbered()[start : start + AT_ONCE]
    shop.says.texts[f"carriers {start}"] = "\n\n".join(group)
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        answer = tab.ask(f"carriers {start}")
        answer.locator(".sources button").first.click()
        tab.page.locator(".sheet").wait_for()
        tab.page.keyboard.press("Escape")
        streamed = answer.locator(".text").inner_text()
        tab.page.wait_for_timeout(300)
        tab.page.reload()
        again = tab.page.locator("article.bot[aria-busy=false] .text")
        again.wait_for()
        assert again.inner_text() == streamed
        tags = again.evaluate(
            "text => [...new Set([...text.querySelectorAll('*')].map(one => one.tagName.toLowerCase()))]"
        )
        allowed = {"p", "br", "span", "small", "strong", "em", "s", "code", "pre", "ul", "ol", "li", "h3", "h4", "h5",
                   "blockquote", "table", "thead", "tbody", "tr", "td", "th", "hr", "button"}  # fmt: skip
        assert set(tags) <= allowed, tags
        names = again.evaluate(
            "text => [...new Set([...text.querySelectorAll('*')].flatMap(one => one.getAttributeNames()))]"
        )
        assert not {"href", "src", "style", "srcset", "onclick", "onerror", "action"} & set(names)
        tab.page.wait_for_timeout(500)
        assert tab.foreign == [] and tab.dialogs == [] and tab.bugs == []


def test_a_list_with_unusual_line_ends_does_not_hold_the_page_up(browser: Browser, shop: HostSite) -> None:
    shop.says.texts["unusual ends"] = "- one\u2028two\n- three\n\n1. four\u2029five"
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        answer = tab.ask("unusual ends")
        expect(answer.locator("li")).to_have_text(["one", "three", "four"])
        expect(answer.locator("p")).to_have_text(["two", "five"])
        assert tab.bugs == []


def test_a_link_shows_its_host_and_opens_by_a_click(browser: Browser, shop: HostSite) -> None:
    shop.says.texts["a link"] = f"See [the intranet]({HOST}/x), ![a chart]({HOST}/y) and {HOST}/z."
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", shop.tag()))
        tab.open()
        answer = tab.ask("a link")
        expect(answer.get_by_role("link", name="the intranet")).to_contain_text("(canary.invalid)")
        expect(answer.get_by_role("link", name="a chart")).to_contain_text("Image not loaded: a chart")
        assert tab.foreign == []
        context = tab.page.context
        with context.expect_event("request", lambda one: one.url == f"{HOST}/x"), context.expect_page() as opened:
            answer.get_by_role("link", name="the intranet").click()
        opened.value.close()
        assert tab.foreign == [f"{HOST}/x"]


def test_the_watch_sees_what_a_careless_widget_would_do(browser: Browser, shop: HostSite) -> None:
    with visit(browser, shop) as tab:
        tab.page.goto(shop.page("/", f"<img src='{HOST}/control'><script>alert(1)</script>"))
        tab.page.wait_for_timeout(300)
        assert tab.foreign and tab.dialogs
