"""Digests of invented threads: what they cite, how long they are, and that they stay the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from summaries.digests import Budget, digest, speakers, standing_of
from summaries.sentences import plain

START = datetime(2024, 3, 1, 8, tzinfo=UTC)


def post(number: int, author: str | None, text: str, **more: Any) -> dict[str, Any]:
    return {
        "post_id": f"p{number}",
        "position": number,
        "author_key": author,
        "created_at": START + timedelta(hours=number),
        "body_text": text,
        "score": None,
        "reactions": None,
        "is_opening": number == 1,
        "status": "visible",
    } | more


STENT = [
    post(
        1,
        "key-of-opener",
        "Hello everyone.\n\nI had a drug-eluting stent placed in the LAD in May after a positive stress test. "
        "My cardiologist, Dr. Larch, wants me on clopidogrel 75 mg for twelve months. I bruise at the slightest "
        "touch. Has anybody stopped clopidogrel early after a stent? Thanks in advance!",
    ),
    post(
        2,
        "key-of-nurse",
        "Please do not stop clopidogrel on your own. Stent thrombosis in the first months is rare, but when it comes "
        "it is often fatal. Ask your cardiologist whether six months are enough for your stent.",
    ),
    post(3, "key-of-joker", "lol same here"),
    post(
        4,
        "key-of-patient",
        "Same stent here, and my cardiologist let me stop clopidogrel after six months because of nose bleeds. "
        "The weather was lovely that summer.",
        reactions=12,
    ),
    post(5, "key-of-opener", "Thank you, I will ask whether six months of clopidogrel are enough."),
    post(6, "key-of-nurse", "Please do not stop clopidogrel on your own."),
    post(7, None, "", status="deleted"),
    post(8, None, "Buy cheap clopidogrel for your stent from our shop today.", status="removed"),
]


def test_a_digest_of_a_thread() -> None:
    made = digest(STENT, "Stopping clopidogrel early?")
    assert made.question == "Has anybody stopped clopidogrel early after a stent?"
    assert (made.posts, made.authors) == (6, 4)
    assert made.first_at == START + timedelta(hours=1)
    assert made.last_at == START + timedelta(hours=6)
    lines = made.digest_text.splitlines()
    assert lines[0] == "Stopping clopidogrel early?"
    assert lines[1].startswith("OP: ")
    assert lines[1].endswith(" [p1]")
    assert made.question in lines[1]
    assert any(line.startswith("A: ") and line.endswith(" [p2]") for line in lines)
    assert "weather" not in made.digest_text, "beside the subject"


def test_every_sentence_stands_in_the_post_it_cites() -> None:
    texts = {row["post_id"]: plain(row["body_text"]) for row in STENT}
    made = digest(STENT, "Stopping early?")
    assert made.sentences
    for sentence in made.sentences:
        assert sentence.text in texts[sentence.post_id]
        assert sentence.text in made.digest_text


def test_deleted_posts_and_repeated_words_are_not_cited() -> None:
    cited = {sentence.post_id for sentence in digest(STENT).sentences}
    assert not cited & {"p3", "p6", "p7", "p8"}


def test_lines_quoted_by_hand_are_not_cited() -> None:
    text = "> The stent in the artery was narrowed again.\n>50% stenosis of the artery was found again in the stent."
    (sentence,) = digest([post(1, "a", text)]).sentences
    assert sentence.text == ">50% stenosis of the artery was found again in the stent."


def test_authors_appear_as_labels_only() -> None:
    assert speakers(STENT) | {"p8": ""} == {
        "p1": "OP", "p2": "A", "p3": "B", "p4": "C", "p5": "OP", "p6": "A", "p7": "?", "p8": "",
    }  # fmt: skip
    assert "key-of" not in digest(STENT, "t").digest_text


def test_there_are_labels_for_more_than_26_authors() -> None:
    many = speakers([post(number, f"key{number}", "") for number in range(1, 60)])
    assert [many["p2"], many["p27"], many["p28"], many["p53"], many["p54"]] == ["A", "Z", "AA", "AZ", "BA"]
    assert len(set(many.values())) == 59


def test_the_thread_of_an_unknown_opener_has_an_op_all_the_same() -> None:
    assert speakers([post(1, None, ""), post(2, "k", ""), post(3, None, "")]) == {"p1": "OP", "p2": "A", "p3": "?"}


def test_a_post_with_many_votes_is_preferred() -> None:
    texts = [f"The clinic in town number {number} offers cardiac rehabilitation twice a week." for number in range(20)]
    plain_posts = [post(1, "a", "Where can I find cardiac rehabilitation?")] + [
        post(number + 2, f"a{number}", text) for number, text in enumerate(texts)
    ]
    voted = [row | {"score": 500} if row["post_id"] == "p17" else row for row in plain_posts]
    assert "p17" not in {sentence.post_id for sentence in digest(plain_posts).sentences}
    assert "p17" in {sentence.post_id for sentence in digest(voted).sentences}


@pytest.mark.parametrize(("votes", "standing"), [(None, 0), (-5, 0), (0, 0), (1, 1), (2, 1), (3, 2), (6, 2), (7, 3)])
def test_votes_count_by_order_of_magnitude(votes: int | None, standing: int) -> None:
    assert standing_of({"score": votes, "reactions": None}) == standing
    assert standing_of({"score": None, "reactions": votes}) == standing


def test_threads_with_nothing_to_say() -> None:
    assert digest([]).digest_text == ""
    gone = digest([post(1, None, "", status="deleted")], "A title stays")
    assert (gone.digest_text, gone.sentences, gone.posts, gone.first_at) == ("A title stays", [], 0, None)


def test_a_huge_thread_is_no_trouble() -> None:
    posts = [post(number, f"a{number % 90}", STENT[number % 6]["body_text"] + f" It is case {number} of the ward.")
             for number in range(1, 3000)]  # fmt: skip
    assert len(digest(posts, "Ward").sentences) <= 7


WORDS = ("stent", "clopidogrel", "pain", "the", "I", "a", "why?", "bleeding.", "Dr.", "5.5", "mg", "!", "\n\n", "stop")
words = st.sampled_from(WORDS)
texts = st.lists(words, max_size=60).map(" ".join)
threads = st.lists(
    st.tuples(
        texts,
        st.sampled_from(["a", "b", "c", None]),
        st.sampled_from(["visible", "visible", "deleted", "removed"]),
        st.one_of(st.none(), st.integers(-3, 900)),
        st.booleans(),
    ),
    max_size=12,
).map(
    lambda drawn: [
        post(number, author, text, status=status, score=score)
        | ({} if dated else {"created_at": None, "position": None})
        for number, (text, author, status, score, dated) in enumerate(drawn, 1)
    ]
)


@settings(max_examples=60, deadline=None)
@given(threads, st.integers(1, 10), st.integers(1, 900), st.text(max_size=200), st.randoms(use_true_random=False))
def test_whatever_the_thread(posts: list[dict[str, Any]], most: int, characters: int, title: str, random: Any) -> None:
    """Cited word for word, only standing posts, within the budget, in any order of the posts the same."""
    budget = Budget(sentences=most, characters=characters)
    made = digest(posts, title, budget)
    assert digest(random.sample(posts, len(posts)), title, budget) == made
    standing = {row["post_id"]: plain(row["body_text"]) for row in posts if row["status"] == "visible"}
    assert all(sentence.text in standing[sentence.post_id] for sentence in made.sentences)
    assert len({sentence.text for sentence in made.sentences}) == len(made.sentences) <= most
    assert len(made.digest_text) <= characters
