"""What only a real browser shows of the chat page; answers come from the stand-in."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.site import Tab
from ui.fake_api.world import Script, World

from .conftest import Site

# A recording that ends before its first sound came is refused as empty, so that what it has is counted.
HEARD = """{
  const Real = window.MediaRecorder
  window.heard = 0
  window.MediaRecorder = class extends Real {
    constructor(...given) {
      super(...given)
      this.addEventListener("dataavailable", (event) => (window.heard += event.data.size))
    }
    start() {
      super.start(100)
    }
  }
}"""
# "Copied" stands for a second and a half, which a busy machine may miss.
LASTING = """{
  const real = window.setTimeout
  window.setTimeout = (work, ms, ...more) => real(work, ms === 1500 ? 600000 : ms, ...more)
}"""
KEEP_SOCKETS = """window.sockets = []
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given)
    window.sockets.push(this)
  }
}"""
FACT = "# Bees\n\nA hive holds forty thousand bees.\n\nBees sleep at night."


def furnish(world: World) -> None:
    if not any(collection.name == "Bees" for collection in world.collections.values()):
        pause, world.reading_s = world.reading_s, 0.0
        world.add_document(world.add_collection("Bees", ("everyone",)), "bees.md", FACT)
        world.reading_s = pause


def test_streams_stops_and_keeps_what_was_said(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    world.scripts.append(Script("long story", " ".join(f"word{n}" for n in range(1200))))
    world.word_s = 0.1
    tab.send("Tell me a long story")
    text = tab.page.locator("article.answer .text")
    expect(text).to_contain_text("word5")
    last = int(text.inner_text().rsplit("word", 1)[1])
    expect(text).to_contain_text(f"word{last + 10}")
    tab.page.get_by_role("button", name="Stop").click()
    tab.answered(1)
    world.word_s = 0.01
    expect(tab.page.locator("article.answer .notice")).to_contain_text("You stopped")
    assert "word1199" not in text.inner_text() and f"word{last + 10}" in text.inner_text()


def test_goes_on_with_an_answer_over_a_reload(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    world.scripts.append(Script("slow one", " ".join(f"word{n}" for n in range(60))))
    world.word_s = 0.12
    tab.send("A slow one, please")
    expect(tab.page.locator("article.answer .text")).to_contain_text("word3")
    tab.page.reload()
    tab.answered(1)
    world.word_s = 0.01
    expect(tab.page.locator("article.answer .text")).to_contain_text("word59")


def test_asks_what_was_said_into_the_microphone(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    world.says = "How many bees does a hive hold?"
    tab.page.add_init_script(HEARD)
    tab.page.reload()  # whether speech is on is asked once in a tab
    tab.page.get_by_test_id("stChatInputMicButton").click()
    tab.page.wait_for_function("() => window.heard > 1000")
    tab.page.get_by_test_id("stChatInputApproveButton").click()
    tab.answered(1)
    expect(tab.page.get_by_text("How many bees does a hive hold?").first).to_be_visible()
    expect(tab.page.locator("article.answer .text")).to_contain_text("forty thousand")
    assert not tab.violations


def test_opens_sources_with_the_keyboard_alone(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    tab.ask("How many bees does a hive hold?")
    chip = tab.point_at_a_source(keyboard=True)
    expect(chip).to_have_attribute("aria-label", re.compile("Source 1: bees.md"))
    chip.press("Enter")
    expect(tab.page.locator(".passage .text")).to_contain_text("forty thousand")
    answer, field = tab.page.locator(".st-key-chat").bounding_box(), tab.page.locator(".st-key-composer").bounding_box()
    assert answer and field and abs(answer["x"] - field["x"]) < 2 and abs(answer["width"] - field["width"]) < 2
    tab.page.keyboard.press("Escape")
    expect(tab.page.locator(".passage")).to_have_count(0)


def test_copies_an_answer(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.ask("How many bees does a hive hold?")
    tab.page.evaluate(LASTING)
    tab.page.get_by_role("button", name="Copy answer").click()
    tab.page.get_by_role("button", name="Copied").wait_for()
    assert "forty thousand" in tab.page.evaluate("navigator.clipboard.readText()")


def test_renames_and_deletes_a_conversation(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    tab.ask("How many bees sleep at night?")
    row = tab.page.locator('[class*="st-key-here-"]')
    row.get_by_role("button", name="Actions").click()
    tab.page.get_by_role("menuitem", name="Rename").or_(tab.page.get_by_text("Rename", exact=True)).first.click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_label("Title").fill("Sleeping bees")
    dialog.get_by_role("button", name="Rename").click()
    expect(tab.page.get_by_role("button", name="Sleeping bees")).to_be_visible()
    row.get_by_role("button", name="Actions").click()
    tab.page.get_by_role("menuitem", name="Delete").or_(tab.page.get_by_text("Delete", exact=True)).first.click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(tab.page.get_by_role("button", name="Sleeping bees")).to_have_count(0)
    assert "c=" not in tab.page.url


def test_asks_nothing_about_a_file_that_was_refused(scripted: tuple[Tab, World], tmp_path: Path) -> None:
    tab, world = scripted
    furnish(world)
    program = tmp_path / "setup.exe"
    program.write_bytes(b"MZ\x00\x00")
    before = sum(len(conversation.turns) for conversation in world.conversations.values())
    field = tab.page.get_by_test_id("stChatInputFileUploadButton").locator("xpath=..").locator("input")
    field.set_input_files(str(program))
    tab.send("What does the file do?")
    expect(tab.page.get_by_test_id("stToast")).to_contain_text("setup.exe: ")
    expect(tab.page.get_by_test_id("stChatInputTextArea")).to_have_value("What does the file do?")
    assert sum(len(conversation.turns) for conversation in world.conversations.values()) == before


def test_attaches_a_file_to_one_conversation_only(scripted: tuple[Tab, World], tmp_path: Path) -> None:
    tab, world = scripted
    furnish(world)
    note = tmp_path / "moon.md"
    note.write_text("The moon garden grows eleven cabbages.", "utf-8")
    tab.page.get_by_test_id("stChatInputFileUploadButton").locator("xpath=..").locator("input").set_input_files(
        str(note)
    )
    tab.ask("How many cabbages grow in the moon garden?")
    expect(tab.page.locator("article.answer")).to_contain_text("eleven cabbages")
    tab.page.get_by_role("button", name="New chat").click()
    expect(tab.page.locator("article.answer")).to_have_count(0)  # the earlier one is gone from the page
    tab.ask("How many cabbages grow in the moon garden?")
    expect(tab.page.locator("article.answer").last).not_to_contain_text("eleven")


def test_keeps_the_session_over_reloads_and_ends_it_at_sign_out(scripted: tuple[Tab, World], stand_in: Site) -> None:
    tab, _ = scripted
    tab.page.reload()
    tab.page.get_by_test_id("stChatInputTextArea").wait_for()
    assert "inhouse_session" not in tab.page.evaluate("document.cookie")
    tab.page.get_by_role("button", name="ada").click()
    tab.page.get_by_text("Sign out", exact=True).click()
    tab.page.wait_for_url(re.compile("/sign-in"))
    tab.page.goto(stand_in.base + "/documents")
    tab.page.wait_for_url(re.compile(r"/sign-in\?next=%2Fdocuments"))


def test_sends_an_open_tab_whose_session_ended_to_the_sign_in_page(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    tab.page.add_init_script(KEEP_SOCKETS)
    tab.page.reload()
    tab.page.get_by_test_id("stChatInputTextArea").wait_for()
    world.tokens.clear()
    tab.page.evaluate("window.sockets.forEach((socket) => socket.close())")  # as after the computer slept
    tab.page.wait_for_url(re.compile("/sign-in"))


def test_shows_the_newest_question_and_leaves_a_reader_alone(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    long = "\n\n".join(f"Paragraph {n}." for n in range(40))
    world.scripts.extend([Script("first tale", long), Script("second tale", long), Script("third tale", long)])
    questions = ["Tell the first tale", "Tell the second tale", "Tell the third tale"]
    for question in questions[:2]:
        tab.ask(question)
        expect(tab.page.locator('[data-testid="stText"]').get_by_text(question)).to_be_in_viewport()
    tab.page.reload()
    expect(tab.page.locator('[data-testid="stText"]').get_by_text(questions[1])).to_be_in_viewport()
    world.word_s = 0.05
    tab.send(questions[2])
    expect(tab.page.locator("article.answer .text").nth(2)).to_contain_text("Paragraph 3")
    expect(tab.page.locator('[data-testid="stText"]').get_by_text(questions[2])).to_be_in_viewport()
    tab.page.mouse.move(700, 400)
    tab.page.mouse.wheel(0, -10_000)
    world.word_s = 0.01
    tab.answered(3)
    expect(tab.page.locator('[data-testid="stText"]').get_by_text(questions[0])).to_be_in_viewport()


def test_takes_the_next_question_without_a_click(scripted: tuple[Tab, World]) -> None:
    tab, world = scripted
    furnish(world)
    field = tab.page.get_by_test_id("stChatInputTextArea")
    expect(field).to_be_focused()
    tab.page.keyboard.type("How many bees does a hive hold?")
    tab.page.keyboard.press("Enter")
    tab.answered(1)
    expect(field).to_be_focused()
    tab.page.get_by_test_id("stSidebar").get_by_role("button", name="New chat").click()
    expect(tab.page.locator("article.answer")).to_have_count(0)
    expect(field).to_be_focused()
