"""Quotes linked to the post that they repeat: planted ones, what only looks like one, and real threads."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.planted_quotes import NOT_QUOTING, QUOTING, figures_of
from crawler.documents import read_document
from summaries.quotations import quotations

OPENING = (
    "The radial access failed twice because of a loop, so the second catheter went through the femoral artery "
    "under ultrasound.\nThe patient left the ward after six hours without any haematoma."
)


def post(number: int, body: str, *, author: str | None = None, quotes: list[dict[str, Any]] | None = None) -> Any:
    return {
        "site": "ward",
        "thread_id": "t",
        "post_id": f"p{number}",
        "position": number,
        "author_key": author or f"author{number}",
        "created_at": datetime(2024, 5, number, tzinfo=UTC),
        "body_text": body,
        "quotes": quotes or [],
    }


def quote(text: str, post_id: str | None = None, author_key: str | None = None) -> dict[str, Any]:
    return {"post_id": post_id, "author_key": author_key, "text": text}


def pairs(posts: list[Any]) -> set[tuple[str, str]]:
    return {(row["post_id"], row["quoted_post_id"]) for row in quotations(posts)}


def test_where_the_words_stand() -> None:
    said = "the second catheter went through the femoral artery under ultrasound"
    reply = post(2, f"I read that {said}. Was that planned?")
    (row,) = quotations([reply, post(1, OPENING)])
    assert reply["body_text"][row["starts_at"] : row["ends_at"]] == f"{said}"
    assert (row["form"], row["declared"], row["quoted_post_id"], row["words"], row["score"]) == (
        "text", False, "p1", 10, 1.0,
    )  # fmt: skip
    assert 0.2 < row["coverage"] < 0.5


def test_a_declared_quote_keeps_its_post() -> None:
    quotes = [quote(OPENING[:60], "p1"), quote("Words of a post that is elsewhere", "p99")]
    first, second = quotations([post(1, OPENING), post(2, "Yes.", quotes=quotes)])
    assert (first["form"], first["declared"], first["quoted_post_id"], first["quote"]) == ("declared", True, "p1", 0)
    assert first["score"] > 0.8
    assert (second["quoted_post_id"], second["score"], second["coverage"]) == ("p99", None, None)


def test_a_box_without_an_id_finds_its_post_and_its_author() -> None:
    copied = post(2, OPENING, author="copyist")
    boxed = post(3, "Yes.", quotes=[quote(OPENING[:80], author_key="copyist")])
    assert ("p3", "p2") in pairs([post(1, OPENING), copied, boxed]), "the author who is named, though another was first"
    boxed["quotes"] = [quote(OPENING[:80])]
    assert ("p3", "p1") in pairs([post(1, OPENING), copied, boxed])


@pytest.mark.parametrize(
    "body",
    [
        "> without any haematoma after six hours the\nNo.",
        "Great. Femoral it is, the radial one failed.",
        "\u201cThe patient came back to the ward\u201d, one might say.",
        "",
    ],
)
def test_words_in_common_are_no_quote(body: str) -> None:
    assert pairs([post(1, OPENING), post(2, body)]) == set()


def test_no_post_quotes_a_later_one_or_its_own_author() -> None:
    assert pairs([post(2, OPENING), post(1, "Hello there, nothing to see.")]) == set()
    assert pairs([post(1, OPENING, author="same"), post(2, OPENING, author="same")]) == set()


def test_who_says_again_what_somebody_had_quoted_quotes_nobody() -> None:
    words = "the sheath was changed over a stiff wire while heparin was running and nobody had flushed the side port"
    posts = [
        post(1, f"On Tuesday {words}.", author="a"),
        post(2, f"{words}\n\nThat happens.", author="b"),
        post(3, f"Once more: {words}.", author="a"),
    ]
    assert pairs(posts) == set()  # nor p2, as who repeats a text is taken to have a habit of it


@pytest.mark.parametrize("case", QUOTING)
def test_planted_quotes_are_found(case: str) -> None:
    figures = figures_of(case, 25)
    assert figures.recall >= 0.85
    assert figures.precision >= 0.95


@pytest.mark.parametrize("case", NOT_QUOTING)
def test_what_only_looks_like_a_quote_is_none(case: str) -> None:
    assert figures_of(case, 25).found <= 2


def test_order_makes_no_difference() -> None:
    posts = [post(1, OPENING), post(2, f"> {OPENING[:90]}\nYes."), post(3, f"{OPENING}\nNo.")]
    assert quotations(posts[::-1]) == quotations(posts)


@pytest.mark.parametrize(("form", "least"), [("block", 1.0), ("marked", 1.0), ("text", 0.95)])
def test_the_quotes_of_a_seed_document(shared_dir: Path, form: str, least: float) -> None:
    """A thread copied as text, whose quotes the reader of documents links by its own rules; here they lose the link."""
    path = shared_dir / "seeds" / "sdn-thread.txt"
    if not path.exists():
        pytest.skip(f"no seed document at {path}")
    page = read_document(path.read_bytes(), path.name, datetime(2025, 11, 15, tzinfo=UTC)).parsed
    posts, truth = [], set()
    for number, read in enumerate(page.posts, 1):
        texts = [quoted.text for quoted in read.quotes]
        truth |= {(read.post_id, quoted.post_id) for quoted in read.quotes}
        body, boxes = read.body_text, []
        if form == "block":
            boxes = [quote(text) for text in texts]
        elif form == "marked":
            lines = [f"> {line}" for text in texts for line in text.splitlines()]
            body = "\n".join([*lines, "", body])
        else:
            body = "\n\n".join([*texts, body])
        unknown = {"post_id": read.post_id, "author_key": None, "created_at": None, "position": number}
        posts.append(post(1, body, quotes=boxes) | unknown)
    found = pairs(posts)
    assert len(truth) == 29
    assert len(found & truth) >= least * len(truth)
    assert len(found - truth) <= 1


def test_the_other_seed_document_has_no_quotes(shared_dir: Path) -> None:
    path = shared_dir / "seeds" / "reddit-thread.txt"
    if not path.exists():
        pytest.skip(f"no seed document at {path}")
    page = read_document(path.read_bytes(), path.name, datetime(2025, 11, 15, tzinfo=UTC)).parsed
    posts = [post(1, read.body_text) | {"post_id": read.post_id, "author_key": read.post_id} for read in page.posts]
    assert len(posts) > 10
    assert pairs(posts) == set()
