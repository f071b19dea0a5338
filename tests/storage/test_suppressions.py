"""What suppression marks find, what they tell, and how landed pages are cleaned by them."""

import gzip
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest

from crawler.landing import Landing
from crawler.warc import Exchange, read_exchanges
from storage.archive import Archive
from storage.erased_landings import scrub
from storage.erasing import plain_address
from storage.erasure_scope import marks_of
from storage.keys import Pseudonyms
from storage.known import Row
from storage.needles import Needles, finder, lines_of, readings
from storage.suppressions import Marks, Suppression, opened, sealed

SITE = "ward9"
NAME = "Zephyrine_Aldous"
SECRET = "The graft was taken from the left leg at Larkhill, and it held for eleven years after that."
WHEN = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def suppression(archive: Archive) -> Callable[..., Suppression]:
    """Marks of posts and names, made as an erasure makes them."""

    def made(*bodies: str, others: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Suppression:
        posts = [post(f"9{number:04}", body, number + 1) for number, body in enumerate(bodies)]
        earlier = [post(f"8{number:04}", body, 0) for number, body in enumerate(others)]
        ids = [row["post_id"] for row in posts]
        needles = Needles(names=list(names), posts=ids, touched=["7"])
        return Suppression(SITE, archive.pseudonyms, [marks_of(archive, SITE, posts, earlier, [], needles, [])])

    return made


def post(post_id: str, body: str, at: int) -> Row:
    return {
        "post_id": post_id,
        "thread_id": "7",
        "body_text": body,
        "quotes": [],
        "is_opening": False,
        "created_at": at + 1,
    }


def test_a_copy_is_found_whatever_stands_around_it_and_however_it_is_spaced(
    suppression: Callable[..., Suppression],
) -> None:
    gone = suppression(SECRET)
    copy = f'He wrote "{SECRET.upper()}"\nand\n  the GRAFT was taken, from the left leg at Larkhill and it held'
    assert gone.text(copy, "7").startswith('He wrote "[erased]."\nand')
    assert "Larkhill and it held" in gone.text(copy, "7")  # a part of a sentence is no copy
    assert gone.text(copy, "8") == copy  # another thread, whose author may have said the same


def test_words_that_somebody_else_wrote_before_are_no_copy(suppression: Callable[..., Suppression]) -> None:
    assert suppression(SECRET, others=(f"I say: {SECRET}",)).text(SECRET, "7") == SECRET


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        (NAME, f"Dear {NAME}, thanks; ask {NAME}2 too", f"Dear [erased], thanks; ask {NAME}2 too"),
        ("Mörwenna Tack", "so Mörwenna Tack said", "so [erased] said"),
        ("heart", "my heart, @heart and u/heart but @hearty", "my heart, @[erased] and u/[erased] but @hearty"),
        (NAME, f"@{NAME.lower()} and {NAME.upper()}", "@[erased] and [erased]"),
        ("Hope", "@hope, I hope so, Hope", "@[erased], I hope so, [erased]"),
        ("Jo", '@Jo, @"jo", _@Jo_ but @Jo_Smith and Jo', '@[erased], @"[erased]", _@[erased]_ but @Jo_Smith and Jo'),
        ("Mörwenna Tack", "so Mo\u0308rwenna Tack said; @mo\u0308rwenna tack", "so [erased] said; @[erased]"),
    ],
)
def test_a_name_is_found_as_a_word_and_a_common_word_only_behind_a_sign(
    suppression: Callable[..., Suppression], name: str, text: str, kept: str
) -> None:
    assert suppression(names=(name,)).text(text, None) == kept


def test_a_name_that_is_a_part_of_somebody_elses_is_left_there(suppression: Callable[..., Suppression]) -> None:
    gone = suppression(names=("Jo",))
    gone.spare(["Jo Smith", "Jo-Ann", "Jo"])
    assert gone.text("@Jo Smith, @Jo-Ann and @Jo agree", None) == "@Jo Smith, @Jo-Ann and @[erased] agree"


def test_what_one_erasure_took_for_a_copy_is_none_in_the_threads_of_another(
    archive: Archive, suppression: Callable[..., Suppression]
) -> None:
    elsewhere = Suppression(SITE, archive.pseudonyms, [])
    other = Marks(touched=[elsewhere.mark("touched", "8")], posts=[elsewhere.mark("posts", "5")])
    both = Suppression(SITE, archive.pseudonyms, [suppression(SECRET).all, other])
    assert both.text(SECRET, "7") == "[erased]."
    assert both.text(SECRET, "8") == SECRET
    both.titled = {"8"}  # its opener is met in a landing
    assert both.text(SECRET, "8") == SECRET


def test_hidden_names_and_numbers_are_no_part_of_a_copy(
    archive: Archive, suppression: Callable[..., Suppression]
) -> None:
    key = archive.pseudonyms.author_key(SITE, NAME)
    gone = suppression(f"@{key} told me [phone] {SECRET}")
    assert gone.text(f"@{NAME} told me 555-010-0199 {SECRET}", "7") == f"@{NAME} told me 555-010-0199 [erased]."
    assert lines_of(f"@{key} {SECRET}") == [SECRET]


def test_a_title_is_found_in_an_address_with_underscores() -> None:
    found = finder(Needles(lines=["My graft story at Larkhill"]))(
        "https://x.example/comments/1a/my_graft_story_at_larkhill/"
    )
    assert list(found) == ["My graft story at Larkhill"]


def test_the_pseudonym_goes_too(archive: Archive, suppression: Callable[..., Suppression]) -> None:
    key = archive.pseudonyms.author_key(SITE, NAME)
    other = archive.pseudonyms.author_key(SITE, "Obadiah-77")
    assert suppression(names=(NAME,)).text(f"@{key} and @{other}", None) == f"@[erased] and @{other}"


def test_marks_are_of_one_site_and_one_key(suppression: Callable[..., Suppression]) -> None:
    marks = suppression(SECRET, names=(NAME,)).all
    assert not Suppression(SITE, Pseudonyms(bytes(32)), [marks]).has_author(NAME)
    assert not Suppression(SITE, Pseudonyms(bytes(32)), [marks]).has_post("90000")
    assert suppression(SECRET).has_post("90000")
    assert not Suppression(SITE, Pseudonyms(bytes(32)), [Marks()])


def test_what_is_looked_for_meanwhile_is_sealed(archive: Archive) -> None:
    text = sealed(archive.pseudonyms, "one", SECRET.encode())
    assert "Larkhill" not in text
    assert opened(archive.pseudonyms, "one", text) == SECRET.encode()
    with pytest.raises(ValueError, match="changed"):
        opened(archive.pseudonyms, "two", text)


@pytest.mark.parametrize(
    ("url", "thread_id", "plain"),
    [
        ("https://x.example/threads/some-title.12/post-9", "12", "https://x.example/threads/12/post-9"),
        ("https://x.example/r/Card/comments/1ab/some_title/t1/", "1ab", "https://x.example/r/Card/comments/1ab/_/t1/"),
        ("https://x.example/t/some-title/12/4", "12", "https://x.example/t/-/12/4"),
        ("https://x.example/thread-12.html", "12", "https://x.example/thread-12.html"),
        ("https://x.example/viewtopic.php?t=12#p3", "12", "https://x.example/viewtopic.php?t=12#p3"),
    ],
)
def test_an_address_loses_the_title_and_still_leads_there(url: str, thread_id: str, plain: str) -> None:
    assert plain_address(url, thread_id) == plain


@pytest.mark.parametrize(
    ("address", "is_of_erased"),
    [
        ("https://x.example/threads/title.12/post-90000", True),
        ("https://x.example/viewtopic.php?f=3&p=90000#p90000", True),
        ("https://x.example/threads/title.90000/page-2", False),  # a thread of that number is another thing
        ("https://x.example/forums/cardio.90000/", False),
        ("https://x.example/threads/title.12/page-90000", False),
    ],
)
def test_a_number_in_an_address_is_a_posts_by_the_word_before_it(
    suppression: Callable[..., Suppression], address: str, is_of_erased: bool
) -> None:
    assert suppression(SECRET).names_record(address) == is_of_erased


FORMS: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "as it is": (SECRET.encode(), []),
    "with tags": (SECRET.replace("left leg", "<b>left</b>&nbsp;leg").encode(), []),
    "in JSON": (SECRET.replace("leg", "l\\u0065g").replace("/", "\\/").encode(), []),
    "HTML in JSON": (b'{"body_html": "&lt;p&gt;' + SECRET.replace(" ", "&#32;").encode() + b'&lt;/p&gt;"}', []),
    "in an address": (SECRET.replace(" ", "+").encode(), []),
    "gzip": (gzip.compress(SECRET.encode()), [("Content-Encoding", "gzip")]),
    "deflate": (zlib.compress(SECRET.encode()), [("Content-Encoding", "deflate")]),
    "brotli": (brotli.compress(SECRET.encode()), [("Content-Encoding", "br")]),
    "UTF-16": (SECRET.encode("utf-16"), [("Content-Type", "text/html; charset=utf-16")]),
    "a name in Windows-1251": (
        "Пишет Ирина_Волкова вчера".encode("cp1251"),
        [("Content-Type", "text/html; charset=windows-1251")],
    ),
    "a name in an address": (
        b'<a href="/u/%D0%98%D1%80%D0%B8%D0%BD%D0%B0_%D0%92%D0%BE%D0%BB%D0%BA%D0%BE%D0%B2%D0%B0">',
        [],
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("by", ["words", "marks"])
def test_a_landed_answer_that_holds_it_in_any_form_goes_and_the_others_stay_to_the_byte(
    tmp_path: Path, suppression: Callable[..., Suppression], form: str, by: str
) -> None:
    body, headers = FORMS[form]
    folder = tmp_path / "landing" / SITE / "c1"
    landing = Landing.begin(folder)
    for number, content in enumerate((b"<p>before</p>", body, b"<p>after</p>")):
        landing.land(
            Exchange(
                url=f"https://{SITE}.example/{number}",
                request_headers=[],
                status=200,
                headers=headers if content is body else [],
                body=content,
                fetched_at=WHEN,
            )
        )
    landing.close()
    [path] = landing.warc_paths()
    before = dict(read_exchanges(path))
    whole = path.read_bytes()
    words = finder(Needles(names=["Ирина_Волкова"], lines=lines_of(SECRET)))
    gone = suppression(SECRET, names=("Ирина_Волкова",)) if by == "marks" else suppression("")
    done = scrub(folder, gone, words if by == "words" else None)
    assert done.warc_records == 2  # the answer and its request
    kept = [exchange.body for _, exchange in read_exchanges(path)]
    assert kept == [b"<p>before</p>", b"<p>after</p>"]
    first, second, last = before
    assert path.read_bytes() == whole[:second] + whole[last:]
    assert first < second


def test_a_landing_without_any_of_it_is_not_touched(tmp_path: Path, suppression: Callable[..., Suppression]) -> None:
    folder = tmp_path / "landing" / SITE / "c1"
    landing = Landing.begin(folder)
    landing.land(
        Exchange(url="https://ward9.example/", request_headers=[], status=200, headers=[], body=b"x", fetched_at=WHEN)
    )
    landing.close()
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert scrub(folder, suppression(SECRET)).files == []
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_lines_are_found_in_a_long_text_by_their_words() -> None:
    lines = [f"line number {number} of what was said that day" for number in range(3_000)]
    find = finder(Needles(lines=lines))
    text = readings(("<p>" + "</p><p>".join(lines[10:20]) + "</p>").encode())[-2]
    assert set(find(text)) == set(lines[10:20])
