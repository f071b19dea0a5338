"""How the "said" of a quote's heading is worded, and what all bodies of posts do alike."""

import re

import pytest

from crawler.engines.flarum.body import Body as FlarumBody
from crawler.engines.json_fields import text_of, truth_of
from crawler.engines.post_body import PostBody
from crawler.engines.said import SAID, SAID_UNPARTED
from crawler.engines.vanilla.body import Body as VanillaBody
from crawler.engines.xenforo2.body import Body as XenForoBody

HEADINGS = [
    *["Dr. Lisa said:", "Dr. Lisa wrote:", "Dr. Lisa schrieb:", "Dr. Lisa a écrit :", "Dr. Lisa napisał(a):"],
    *["Dr. Lisa сказал(а):", "Dr. Lisa sa:", "Dr. Lisa 说：", "Dr. Lisaさんの発言：", "Dr. Lisa đã viết:"],  # noqa: RUF001
]


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_author_of_a_quote_in_many_languages(heading: str) -> None:
    vanilla = VanillaBody()
    vanilla.read(f'<blockquote class="Quote"><div class="QuoteAuthor">{heading}</div>Rest.</blockquote>')
    xenforo = XenForoBody(list)
    xenforo.read(
        f'<div class="bbCodeBlock bbCodeBlock--quote"><div class="bbCodeBlock-title">{heading}</div>'
        '<div class="bbCodeBlock-content">Rest.</div></div>'
    )
    flarum = FlarumBody()
    flarum.read(f"<blockquote><cite>{heading}</cite>Rest.</blockquote>")
    for body in (vanilla, xenforo, flarum):
        assert [(quote.author, quote.text) for quote in body.quotes] == [("Dr. Lisa", "Rest.")]


def test_a_name_that_ends_like_a_word_is_kept_whole() -> None:
    body = FlarumBody()
    body.read("<blockquote><cite>Lisa:</cite>Rest.</blockquote>")
    assert body.quotes[0].author == "Lisa"


def test_the_words_are_alternatives_of_a_pattern() -> None:
    assert re.fullmatch(SAID, "hat geschrieben")
    assert re.fullmatch(SAID_UNPARTED, "說")
    assert not re.fullmatch(SAID, "")


def test_a_file_counts_once() -> None:
    body = PostBody()
    for url, name in (("a.pdf", None), ("a.pdf", "again"), ("", "none"), ("b.pdf", "")):
        body.attach(url, name)
    assert [(file.url, file.name) for file in body.attachments] == [("a.pdf", None), ("b.pdf", None)]


def test_values_of_json() -> None:
    assert [text_of(value) for value in ("Ann", " ", "", 1, None)] == ["Ann", None, None, None, None]
    assert [truth_of(value) for value in (True, False, 1, "true", None)] == [True, False, None, None, None]
