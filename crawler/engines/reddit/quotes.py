"""Which post a quotation repeats. Reddit's Markdown does not say; the words do."""

from bisect import bisect_right

from crawler.engines.markdown import comparable
from crawler.records import Post, Quote

_SHORTEST_ELSEWHERE = 20
"""Characters: shorter words are looked for in the parent only, they stand in too many posts by chance."""
_SHORTEST_PIECE = 12
_SEARCH_BUDGET = 400_000_000
"""Characters that one page may cost in searches of the whole page; a real one needs a thousandth."""


class Sources:
    """The posts of one page, as what can be quoted."""

    def __init__(self, posts: list[Post], titles: dict[str, str]) -> None:
        self.posts = posts
        self.titles = titles
        """Title of each thread on the page, by the id of its opening post: people quote it too."""
        self.places = {post.post_id: place for place, post in reversed(list(enumerate(posts)))}
        self._comparable: dict[int, str] = {}
        self._whole: str | None = None
        self._starts: list[int] = []
        self._budget = _SEARCH_BUDGET

    def resolve(self) -> None:
        """Name the quoted post in every quotation of the page, where its words are found in one."""
        for place, post in enumerate(self.posts):
            if post.quotes:
                post.quotes = [self._named(place, post, quote) for quote in post.quotes]

    def _named(self, place: int, post: Post, quote: Quote) -> Quote:
        words = comparable(quote.text)
        if not words:
            return quote
        source = self._source(place, post, words)
        if source is None:
            return quote
        return Quote(post_id=source.post_id, author=quote.author, text=quote.text)

    def _source(self, place: int, post: Post, words: str) -> Post | None:
        parent_place = self.places.get(post.parent_id or "")
        if parent_place is not None and parent_place != place and self._holds(parent_place, words):
            return self.posts[parent_place]
        if len(words) < _SHORTEST_ELSEWHERE:
            return None
        return self._elsewhere(place, words)

    def _holds(self, place: int, words: str) -> bool:
        text = self._text(place)
        if words in text:
            return True
        # Shortened quotations: "the first words ... the last words".
        pieces = [piece.strip(" .[]()") for piece in words.replace("[...]", "...").split("...")]
        pieces = [piece for piece in pieces if piece]
        return bool(pieces) and max(map(len, pieces)) >= _SHORTEST_PIECE and all(piece in text for piece in pieces)

    def _elsewhere(self, place: int, words: str) -> Post | None:
        """The oldest other post that holds the words and may have been there before this one."""
        whole, starts = self._page()
        post, best = self.posts[place], None
        start = 0
        while self._budget > 0:
            hit = whole.find(words, start)
            self._budget -= (hit if hit >= 0 else len(whole)) - start
            if hit < 0:
                break
            source_place = bisect_right(starts, hit) - 1
            source = self.posts[source_place]
            if source_place != place and source.thread_id == post.thread_id and _before(source, post):
                best = source if best is None or _before(source, best) else best
            start = starts[source_place + 1] if source_place + 1 < len(starts) else len(whole)
        return best

    def _text(self, place: int) -> str:
        if place not in self._comparable:
            post = self.posts[place]
            title = self.titles.get(post.thread_id, "") if post.is_opening else ""
            self._comparable[place] = comparable(f"{title}\n{post.body_text}")
        return self._comparable[place]

    def _page(self) -> tuple[str, list[int]]:
        """All posts' words in one string, and where each post's begin: one search for the whole page."""
        if self._whole is None:
            texts = [self._text(place) for place in range(len(self.posts))]
            length = 0
            for text in texts:
                self._starts.append(length)
                length += len(text) + 1
            self._whole = "\0".join(texts)
        return self._whole, self._starts


def _before(first: Post, second: Post) -> bool:
    """Whether `first` was there when `second` was written, as far as the page tells."""
    if first.is_opening or second.is_opening:
        return first.is_opening
    return first.created_at is None or second.created_at is None or first.created_at < second.created_at
