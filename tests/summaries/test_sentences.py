"""Where sentences of medical forum text end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from summaries.sentences import LONGEST, plain, split, terms


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Alder saw me.", "She was kind."],
        ["I took 5.5 mg twice a day.", "It helped."],
        ["Stents vs. bypass, e.g. for the LAD, is an old debate.", "Ask Prof. Birch."],
        ["See https://example.org/a.b?c=d&e=f.g for more.", "It is long."],
        ["Is it normal?", "i had the same."],
        ["it hurts when i walk.", "should i worry?"],
        ["Really?!", "Yes!", "No."],
        ["Aspirin 81 mg. once daily, then clopidogrel."],
        ["I was given 40 mg.", "Then the rash came."],
        ["Smith et al. found nothing.", "So did we."],
        ["No.", "I would not."],
        ["Patient no. 5 was fine."],
        ["He said \u201cit will pass.\u201d", "It did."],
        ["The pain was... strange."],
        ["I waited\u2026", "Nothing came."],
        ["Letter by J. Cedar on the matter."],
        ["Take vitamin C.", "Then rest."],
        ["BP 120/80 at 8 a.m. and 9 p.m. yesterday."],
        ["A 62 y.o. man with a hx. of AF."],
        ["ST elevation in V1.", "Nothing else."],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    assert split(" ".join(sentences)) == sentences


def test_lines_and_lists() -> None:
    text = "Plan:\n1. Stop the statin\n2. Repeat CK\n- see me in two weeks\n\nThanks"
    assert split(text) == ["Plan:", "Stop the statin", "Repeat CK", "see me in two weeks", "Thanks"]


def test_a_wrapped_line_goes_on_and_a_paragraph_does_not() -> None:
    assert split("I was told to wait\nfor the second scan.\nIt came") == [
        "I was told to wait for the second scan.",
        "It came",
    ]
    assert split("no stop here\n\nnor here") == ["no stop here", "nor here"]


def test_run_on_text_comes_in_pieces_at_clauses() -> None:
    text = "and then it went on, " * 60
    pieces = split(text)
    assert all(len(piece) <= LONGEST for piece in pieces)
    assert all(piece.endswith(",") for piece in pieces)
    assert " ".join(pieces) == plain(text)


def test_terms_leave_out_what_says_nothing() -> None:
    assert terms("Thanks, the patient\u2019s stents are in I think") == ["patient", "stent"]
    assert terms("Thanks in advance for your help!") == ["advance", "help"]


@given(st.text(alphabet="ab D.!?,;:()\"' \n\t159-\u2026\u00e9", max_size=400))
def test_each_sentence_occurs_in_the_text(text: str) -> None:
    for sentence in split(text):
        assert sentence
        assert sentence in plain(text)


@given(
    st.lists(st.sampled_from(["Dr.", "mg.", "walk.", "no.", "A", "b", "5.5", "why?", "etc.", "c" * 400]), max_size=60)
)
def test_no_word_is_lost(words: list[str]) -> None:
    text = " ".join(words)
    assert "".join(split(text)).replace(" ", "") == text.replace(" ", "")
