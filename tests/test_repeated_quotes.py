"""Quotes that a copied thread repeats in full: recognised, and linked to the post that they repeat."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.documents import Document, read_document
from crawler.documents.repeated_quotes import EarlierPosts, split_repeated

READ_AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def read(body: bytes | str) -> Document:
    return read_document(body if isinstance(body, bytes) else body.encode(), "thread.txt", READ_AT)


class TestRepeatedQuotes:
    FIRST = "The bus to the new campus leaves at six and again at half past six.\nNobody told the residents about it."
    SECOND = "Then somebody should put up a sign at the old stop."

    def split(self, text: str, *earlier: str) -> tuple[str, list[tuple[str | None, str]]]:
        own, quotes = split_repeated(text.split("\n"), [(str(n), words) for n, words in enumerate(earlier, 1)])
        return "\n".join(own), [(quote.post_id, quote.text) for quote in quotes]

    def test_whole_post_in_front(self) -> None:
        assert self.split(f"{self.FIRST}\nI did.", self.FIRST) == ("I did.", [("1", self.FIRST)])

    def test_spaces_and_line_breaks_do_not_matter(self) -> None:
        own, [(origin, _)] = self.split(self.FIRST.replace("\n", "\n\n").replace(" ", "  ") + "\n\nI did.", self.FIRST)
        assert (own, origin) == ("I did.", "1")

    @pytest.mark.parametrize("cut", ["...", "…", "", "st six"])
    def test_part_of_a_post_that_breaks_off(self, cut: str) -> None:
        part = f"The bus to the new campus leaves at six and again at half pa{cut}"
        assert self.split(f"{part}\nToo early.", self.FIRST) == ("Too early.", [("1", part)])

    def test_one_whole_line_of_a_post(self) -> None:
        line = "Nobody told the residents about it, as always."
        assert self.split(f"{line}\nThey did.", f"First.\n{line}\nLast.") == ("They did.", [("1", line)])

    def test_several_quotes_between_own_words_keep_their_order(self) -> None:
        text = f"{self.SECOND}\nYes.\n\n{self.FIRST}\n\nI did."
        assert self.split(text, self.FIRST, self.SECOND) == (
            "Yes.\n\nI did.",
            [("2", self.SECOND), ("1", self.FIRST)],
        )

    def test_quote_of_a_quote_goes_to_who_said_it(self) -> None:
        second = f"{self.FIRST}\n{self.SECOND}"
        own, _ = self.split(second, self.FIRST)
        assert own == self.SECOND
        assert self.split(f"{second}\nAgreed.", self.FIRST, own) == (
            "Agreed.",
            [("1", self.FIRST), ("2", self.SECOND)],
        )

    def test_two_parts_of_one_post_are_one_quote(self) -> None:
        earlier = "\n".join(
            f"Paragraph {n} of a guideline says {n} different things about {n} drugs and why." for n in range(4)
        )
        lines = earlier.split("\n")
        assert self.split(f"{lines[0]}\n\n{lines[2]}\nNo.", earlier) == ("No.", [("1", f"{lines[0]}\n\n{lines[2]}")])

    @pytest.mark.parametrize(
        "text",
        [
            FIRST,
            f"As I said.\n\n{FIRST}",
            "Nobody told the residents about it.\nOr did they?",
            "Clinical experience, volunteer or paid, hours and what kind:\nAbout 300 hours.",
            "The bus to the new campus leaves at six and again at half past seven.\nRight?",
            f"Somebody wrote: {FIRST}\nWho?",
            "Thank you.\nI agree.",
        ],
        ids=["posted twice", "repeated end", "short part", "heading", "other words", "inside a line", "short"],
    )
    def test_own_words_stay(self, text: str) -> None:
        questionnaire = "State: CA\nClinical experience, volunteer or paid, hours and what kind:\nNone so far."
        assert self.split(text, self.FIRST, "Thank you.", questionnaire) == (text, [])

    def test_text_that_repeats_itself_costs_no_square(self) -> None:
        posts = EarlierPosts()
        posts.add("1", "ha " * 30_000)
        own, quotes = posts.split(["ha ha ha ha ha ha ha ha ha ha ha ha ha"] * 2_000 + ["Stop."])
        assert (own, len(quotes)) == (["Stop."], 1)

    @given(st.lists(st.text(alphabet="ab \n", max_size=80), min_size=1, max_size=6))
    def test_nothing_is_lost_or_made_up(self, texts: list[str]) -> None:
        posts = EarlierPosts()
        for number, text in enumerate(texts):
            own, quotes = posts.split(text.split("\n"))
            words = sorted(" ".join([*own, *(quote.text for quote in quotes)]).split())
            assert words == sorted(text.split())
            posts.add(str(number), "\n".join(own))
