"""Pictures that travel with a question."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from ui.chat import pictures
from ui.client import Api, Question
from ui.errors import ApiRefused
from ui.fake_api import FakeApi
from ui.live import LiveTurns
from ui.transport import NamedFile

QUESTION = "What is on this picture?"


def picture(name: str, size: tuple[int, int], form: str = "PNG", **options: object) -> NamedFile:
    made = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGBA" if form == "PNG" else "RGB").save(made, form, **options)
    return name, made, f"image/{form.lower()}"


def test_makes_pictures_fit_into_one_question_and_leaves_out_what_a_camera_wrote() -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    files = [picture("a.jpg", (2400, 1800), "JPEG", exif=exif), picture("b.png", (900, 400))]
    urls = pictures.data_urls(files)
    assert urls is not None and sum(map(len, urls)) < 900_000
    for url in urls:
        content = pictures.content(url)
        assert content.startswith(b"\xff\xd8\xff") and b"taken at home" not in content
    assert Image.open(io.BytesIO(pictures.content(urls[1]))).size == (900, 400)
    assert files[0][1].tell() == 0  # whole, to be read as a document where no model sees


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n damaged"])
def test_knows_what_is_no_picture(content: bytes) -> None:
    assert pictures.data_urls([("a.png", io.BytesIO(content), "image/png")]) is None


def test_does_not_unpack_a_picture_that_takes_all_memory() -> None:
    bomb = io.BytesIO()
    Image.new("1", (6000, 5000)).save(bomb, "PNG")
    assert pictures.data_urls([("a.png", bomb, "image/png")]) is None


def test_tells_pictures_from_other_files_and_takes_four() -> None:
    files = [picture(f"{n}.png", (4, 4)) for n in range(5)]
    text: NamedFile = ("a.txt", io.BytesIO(b"text"), "text/plain")
    assert pictures.parted([text, *files]) == (files[:4], [text, files[4]])


def test_shows_a_picture_to_a_model_that_sees(api: Api, fake: FakeApi) -> None:
    fake.world.sees = True
    conversation = api.add_conversation()
    urls = pictures.data_urls([picture("a.png", (40, 40))]) or ()
    turn = LiveTurns().start(api, Question(QUESTION, conversation, pictures=urls))
    assert turn.wait(20) and turn.view.error is None
    assert turn.question.pictures == urls and api.attachments(conversation) == []
    assert api.conversation(conversation).turns[0].question == QUESTION


def test_attaches_the_file_itself_where_no_model_sees(api: Api, fake: FakeApi) -> None:
    conversation = api.add_conversation()
    file = picture("scan.png", (40, 40))
    urls = pictures.data_urls([file]) or ()
    turn = LiveTurns().start(api, Question(QUESTION, conversation, pictures=urls), originals=[file])
    assert turn.wait(20) and turn.view.error is None and turn.view.text
    assert [one.title for one in api.attachments(conversation)] == ["scan.png"]
    assert turn.question.pictures == () and len(api.conversation(conversation).turns) == 1


def test_says_so_where_no_model_sees_and_there_is_no_file(api: Api) -> None:
    turn = LiveTurns().start(api, Question(QUESTION, api.add_conversation(), pictures=("data:image/jpeg;base64,eA==",)))
    assert turn.wait(20)
    assert isinstance(turn.view.error, ApiRefused) and "pictures" in str(turn.view.error)


def test_has_the_text_read_in_a_temporary_chat(api: Api) -> None:
    urls = pictures.data_urls([picture("a.png", (40, 40))]) or ()
    turn = LiveTurns().start(api, Question(QUESTION, "temporary-1", pictures=urls, said=()))
    assert turn.wait(20) and turn.view.error is None
