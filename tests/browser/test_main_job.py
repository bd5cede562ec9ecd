"""From a folder of documents to an answer whose citation opens, in a real browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser import files
from tests.browser.conftest import PASSWORD, PERSON, Site
from tests.browser.site import Tab, sign_in, tab


def make_collection(admin: Tab, name: str, everyone: bool) -> None:
    admin.open("/documents", "Documents")
    admin.page.get_by_role("button", name="New collection").first.click()
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    if not everyone:
        dialog.get_by_role("button", name="Remove Everyone with an account").or_(
            dialog.locator('[data-baseweb="tag"] [role="presentation"]')
        ).first.click()
    dialog.get_by_role("button", name="Create").click()
    admin.page.get_by_role("heading", name=name).wait_for()


def upload(admin: Tab, paths: list[Path]) -> None:
    admin.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files([str(path) for path in paths])
    for path in paths:
        row = admin.page.locator("tr", has_text=path.name)
        expect(row.locator(".chip.ready")).to_be_visible(timeout=120_000)


def cited(made: Tab) -> list[str]:
    return made.page.locator("article.answer .source").all_inner_texts()


def test_answers_from_uploaded_documents_and_keeps_the_citations(admin: Tab, site: Site, tmp_path: Path) -> None:
    make_collection(admin, "Handbook", everyone=True)
    upload(admin, files.write(tmp_path))

    admin.open("/", "What would you like to know")
    admin.ask("What is the extension for a lost laptop?")
    answer = admin.page.locator("article.answer")
    expect(answer.locator(".text")).to_contain_text("4040")
    expect(answer.locator("summary")).to_contain_text("passage")
    before = cited(admin)
    assert before and any("security" in source.lower() for source in before)

    chip = admin.point_at_a_source()
    expect(admin.page.locator(".card .quote")).to_contain_text("4040")
    chip.click()
    passage = admin.page.locator(".passage .text")
    expect(passage).to_contain_text("extension 4040")

    admin.page.reload()
    admin.answered(1)
    assert cited(admin) == before
    if site.reads_binary_files:
        for question, fact, source in (
            ("How many weeks of parental leave are there at full pay?", "26", "Parental leave"),
            ("How many euros per night are hotels paid?", "140", "Travel"),
        ):
            admin.page.get_by_role("button", name="New chat").click()
            expect(answer).to_have_count(0)  # the earlier one is gone from the page
            admin.ask(question)
            expect(admin.page.locator("article.answer .text")).to_contain_text(fact)
            assert any(source in one for one in cited(admin))
    assert not admin.foreign and not admin.bugs and not admin.violations


def test_says_when_the_documents_do_not_say(admin: Tab, site: Site, tmp_path: Path) -> None:
    make_collection(admin, "Rules", everyone=True)
    upload(admin, files.write(tmp_path)[2:])
    admin.open("/", "What would you like to know")
    admin.ask("What is the boiling point of tungsten on Mars?")
    answer = admin.page.locator("article.answer")
    expect(answer.locator("button.cite")).to_have_count(0)
    text = answer.locator(".text").inner_text().lower()
    assert "not" in text and ("find" in text or "say" in text or "found" in text or "know" in text), text


def test_shows_a_second_person_nothing_of_a_closed_collection(
    admin: Tab, site: Site, browser: Browser, tmp_path: Path
) -> None:
    make_collection(admin, "Board papers", everyone=False)
    secret = tmp_path / "merger.md"
    secret.write_text("# Merger\n\nThe merger with Globex closes on 3 May at 91 euros per share.\n", "utf-8")
    upload(admin, [secret])
    question = "On which day does the merger with Globex close?"
    admin.open("/", "What would you like to know")
    admin.ask(question)
    expect(admin.page.locator("article.answer .text")).to_contain_text("3 May")
    address = admin.page.url
    with tab(browser, site.base) as other:
        sign_in(other, PERSON, PASSWORD)
        assert "Globex" not in other.page.locator("body").inner_text()
        other.ask(question)
        seen = other.page.locator("article.answer").inner_text() + "".join(cited(other))
        assert "3 May" not in seen and "91" not in seen and "merger.md" not in seen and "Board" not in seen
        suggested = other.page.locator('[class*="st-key-suggestions-"]').all_inner_texts()
        assert not any("Globex" in one or "erger" in one for one in suggested)
        other.page.goto(address)
        other.page.get_by_text("does not exist any more").first.wait_for()
        other.open("/documents", "Documents")
        assert "Board papers" not in other.page.locator("body").inner_text()
