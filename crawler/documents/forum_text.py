"""XenForo 2 threads copied as text: a thread's page, selected and pasted into a plain file.

Covered: the guest's view of Student Doctor Network's skin. Recognised by lines that hold one no-break space and
nothing else (XenForo closes each message with an element that holds only that, the end mark for select-to-quote),
together with a line that only such pages have. Title = Thread; each stretch of text up to an end mark = Post.

Order of a copied post: author block (only where the copy has it), text, end mark, "Last edited:", reactions.
So the lines after an end mark still belong to the post before it. Advertisements, the skin's notice above the first
post, and what the page has under the last one are dropped. Quote boxes lose their frame: see `repeated_quotes`.
The copy states no instants ("Last edited:" comes without its time, which the page draws by script), no ids, no
address: threads are numbered by the slug of their title, posts by their place.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct

from crawler.documents.links import links_in
from crawler.documents.repeated_quotes import EarlierPosts, squeeze
from crawler.errors import UsageError
from crawler.records import PageKind, ParsedPage, Post, Quote, Thread

SITE = "studentdoctor"
END_OF_POST = "\u00a0"

_LONGEST_TITLE = 300
_LONGEST_SLUG = 120
_AD = re.compile(r"Members don['\N{RIGHT SINGLE QUOTATION MARK}]t see this ad(?:\.| :\))?")
_NOTICE = re.compile(r"This forum made possible through the generous support of SDN members\b.*")
_LAST_EDITED = re.compile(r"Last edited(?: by a moderator)?:.*")
_REACTION_KIND = re.compile(r"\s+[\N{BULLET}*-] \S.*")
_REACTIONS = re.compile(r"Reactions: ?(?P<who>\S.*)")
_USERS = re.compile(r"(?P<number>[0-9]{1,9}) users?")
_OTHERS = re.compile(r"(?P<number>[0-9]{1,9}) (?:others?|other persons?|other people)")
_SAID = re.compile(r"(?P<author>\S.{0,60}) said:")
_EXPAND = re.compile(r"Click to expand(?:\.\.\.|\N{HORIZONTAL ELLIPSIS})?")
_UNDER_THE_THREAD = frozenset(
    {
        "Top",
        "Bottom",
        "You must log in or register to reply here.",
        "Not open for further replies.",
        "Similar threads",
        "Share:",
    }
)
_BLOCK_FIELDS = frozenset({"Joined", "Messages", "Reaction score", "Solutions", "Points", "Age", "Location", "Website"})
_THREAD_FACT = re.compile(r"\s*(?:\N{BULLET} ?)?(?:Thread starter|Start date|Tags)\b.*")
_MARKUP = ("<!doctype", "<!--", "<html", "<?xml")
_APOSTROPHES = "'\N{RIGHT SINGLE QUOTATION MARK}"
_BLOCK_REACH = 8
"""Lines with text between an author's name and "Joined", at most: titles, badges, ranks."""


class _RawPost(Struct):
    """A post's lines as copied, and what stands under its end mark."""

    lines: list[str]
    edited: bool = False
    reactions: int | None = None
    author: str | None = None


def is_forum_text(lines: Sequence[str]) -> bool:
    """Whether a line is there that only this form has, or ends of posts together with the page's last word."""
    if next((line for line in lines if line.strip()), "").lstrip().lower().startswith(_MARKUP):
        return False  # a saved page has some of these lines, too
    if {line.strip() for line in lines} >= {"Joined", "Messages", "Reaction score"}:
        return True
    if any(_is_end(line) for line in lines):
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return last in _UNDER_THE_THREAD or any(_is_sign(_spaced(line)) for line in lines)
    return any(_is_dropped(_spaced(line)) for line in lines)


def read_forum_text(lines: Sequence[str], name: str) -> ParsedPage:
    """The thread and its posts.

    Raises:
        UsageError: the title or the ends of the posts are missing.
    """
    title_line = next((number for number, line in enumerate(lines) if line.strip()), 0)
    title = _spaced(lines[title_line])
    if not title or len(title) > _LONGEST_TITLE or _is_dropped(title) or _REACTIONS.fullmatch(title):
        raise UsageError(
            f"{name}, line {title_line + 1}: a forum thread as text starts with its title, and this line is none; "
            f"put the title above the first post."
        )
    raw_posts = _raw_posts(lines[title_line + 1 :])
    if not raw_posts or not any(_is_end(line) for line in lines):
        raise UsageError(
            f"{name} looks like a copied forum thread, but no line holds just one no-break space, so its posts cannot "
            f"be told apart; copy the page again and save it without changing its spaces."
        )
    thread_id = slug(title)
    posts = _posts(raw_posts, thread_id)
    thread = Thread(site=SITE, thread_id=thread_id, title=title, author=posts[0].author, reply_count=len(posts) - 1)
    return ParsedPage(
        page_kind=PageKind.THREAD,
        engine="forum-text",
        page=1,
        last_page=1,
        thread_id=thread_id,
        containers=len(posts),
        threads=[thread],
        posts=posts,
    )


def slug(title: str) -> str:
    """A title much as XenForo words it in addresses: lower case, hyphens, without accents and apostrophes."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    bare = "".join(c for c in plain if not unicodedata.combining(c) and c not in _APOSTROPHES)
    words = re.sub(r"[\W_]+", "-", bare).strip("-")
    if words and len(words) <= _LONGEST_SLUG:
        return words
    digest = hashlib.sha256(title.encode()).hexdigest()[:12]
    return f"{words[:_LONGEST_SLUG].rstrip('-')}-{digest}".lstrip("-")


def _posts(raw_posts: Sequence[_RawPost], thread_id: str) -> list[Post]:
    earlier = EarlierPosts()
    posts: list[Post] = []
    for position, raw in enumerate(raw_posts, 1):
        own, declared = _declared_quotes(raw.lines, earlier)
        own, repeated = earlier.split(own)
        body = "\n".join(own)
        post = Post(
            site=SITE,
            thread_id=thread_id,
            post_id=f"{thread_id}~{position}",
            position=position,
            author=raw.author,
            edited=raw.edited,
            body_text=body,
            quotes=[*declared, *repeated],
            reactions=raw.reactions,
            links=links_in(body),
            is_opening=position == 1,
        )
        earlier.add(post.post_id, body)
        posts.append(post)
    return posts


def _raw_posts(lines: Sequence[str]) -> list[_RawPost]:
    posts: list[_RawPost] = []
    gathered: list[str] = []
    number = 0
    while number < len(lines):
        if _is_end(lines[number]):
            posts.append(_raw_post(gathered))
            gathered = []
            number = _read_feet(lines, number + 1, posts[-1])
        else:
            gathered.append(lines[number])
            number += 1
    if rest := _without_page_foot(gathered):
        # The end mark of the last post was lost in copying; its text is worth more than the form.
        posts.append(_raw_post(rest))
    return posts


def _raw_post(lines: Sequence[str]) -> _RawPost:
    kept = squeeze(line for line in lines if not _is_dropped(_spaced(line)))
    author, kept = _author_block(kept)
    return _RawPost(lines=kept, author=author)


def _read_feet(lines: Sequence[str], start: int, post: _RawPost) -> int:
    """Reads what stands under an end mark into its post; gives the number of the first line that is not of it."""
    number = start
    while number < len(lines):
        line = lines[number]
        if _LAST_EDITED.fullmatch(line.strip()):
            post.edited = True
        elif found := _REACTIONS.fullmatch(line.strip()):
            post.reactions = _reactions(found["who"])
        elif not _is_blank(line) and not _reactions_follow(lines, number):
            return number
        number += 1
    return number


def _reactions_follow(lines: Sequence[str], number: int) -> bool:
    """Whether bullets stand here that are kinds of reaction ("Like"), and not a list that opens the next post."""
    start = number
    while number < len(lines) and _REACTION_KIND.fullmatch(lines[number]):
        number += 1
    return start < number < len(lines) and _REACTIONS.fullmatch(lines[number].strip()) is not None


def _reactions(who: str) -> int:
    """How many "3 users", "1 users" (this skin's word for one of a group), "A and B" or "A, B and 4 others" are."""
    if users := _USERS.fullmatch(who):
        return int(users["number"])
    parts = [part for part in re.split(r", (?:and )?| and ", who) if part.strip()]
    numbers = [int(found["number"]) if (found := _OTHERS.fullmatch(part.strip())) else 1 for part in parts]
    return sum(numbers)


def _author_block(lines: list[str]) -> tuple[str | None, list[str]]:
    """The author's name from the block in front of a post's text, and the lines after that block."""
    filled = [number for number, line in enumerate(lines) if line.strip() and not _THREAD_FACT.fullmatch(line)]
    reach = filled[1 : _BLOCK_REACH + 2]
    joined = next((number for number in reach if lines[number].strip() == "Joined"), None)
    if joined is None:
        return None, lines
    number = joined
    while number + 1 < len(lines) and lines[number].strip() in _BLOCK_FIELDS:
        number += 2
    return lines[filled[0]].strip(), squeeze(lines[number:])


def _declared_quotes(lines: list[str], earlier: EarlierPosts) -> tuple[list[str], list[Quote]]:
    """Quotes whose frame was copied along: "NAME said:", the words, "Click to expand..."."""
    own: list[str] = []
    quotes: list[Quote] = []
    opened: list[tuple[int, str, int]] = []
    for line in lines:
        stripped = line.strip()
        if _EXPAND.fullmatch(stripped):
            if opened:
                start, author, before = opened.pop()
                text = "\n".join(squeeze(own[start + 1 :]))
                del own[start:]
                del quotes[before:]  # those inside it: a quote is kept without the ones nested in it
                quotes.append(Quote(post_id=earlier.origin(text), author=author, text=text))
            own.append("")
            continue
        if said := _SAID.fullmatch(stripped):
            opened.append((len(own), said["author"], len(quotes)))
        own.append(line)
    return squeeze(own), quotes


def _without_page_foot(lines: Sequence[str]) -> list[str]:
    """Lines after the last end mark, up to what the page itself has under a thread."""
    foot = next((number for number, line in enumerate(lines) if line.strip() in _UNDER_THE_THREAD), len(lines))
    return squeeze(line for line in lines[:foot] if not _is_dropped(_spaced(line)))


def _is_end(line: str) -> bool:
    return line.strip(" \t") == END_OF_POST


def _is_sign(line: str) -> bool:
    return _is_dropped(line) or _REACTIONS.fullmatch(line) is not None or _LAST_EDITED.fullmatch(line) is not None


def _is_blank(line: str) -> bool:
    return not line.strip() and not _is_end(line)


def _is_dropped(line: str) -> bool:
    return _AD.fullmatch(line) is not None or _NOTICE.fullmatch(line) is not None


def _spaced(line: str) -> str:
    """A line with plain single spaces: the skin's own notice has a no-break space in it."""
    return " ".join(line.split())
