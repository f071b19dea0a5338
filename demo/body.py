"""What a post of the demo says: blocks that become XenForo's HTML, Reddit's Markdown, or plain text."""

from html import escape

from msgspec import Struct

from crawler.records import Quote


class Link(Struct, frozen=True):
    """A link inside a paragraph."""

    url: str
    label: str


class Strong(Struct, frozen=True):
    """Words in bold."""

    text: str


class Mention(Struct, frozen=True):
    """`@name`, linked to the member's page."""

    user_id: int
    name: str


class Break(Struct, frozen=True):
    """A line break inside a paragraph."""


Piece = str | Link | Strong | Mention | Break


class Paragraph(Struct, frozen=True):
    """Running text."""

    pieces: tuple[Piece, ...]


class Items(Struct, frozen=True):
    """A list; numbered where `ordered`."""

    items: tuple[str, ...]
    ordered: bool = False


class Quoted(Struct, frozen=True):
    """Somebody else's post or a part of it; `blocks` may hold a further quote."""

    blocks: "tuple[Block, ...]"
    author: str | None = None
    author_id: int = 0
    post_id: str | None = None


Block = Paragraph | Items | Quoted
Body = tuple[Block, ...]


def paragraph(*pieces: Piece) -> Paragraph:
    """A paragraph of these pieces."""
    return Paragraph(pieces)


def _piece_text(piece: Piece) -> str:
    match piece:
        case str():
            return piece
        case Link():
            return piece.label
        case Strong():
            return piece.text
        case Mention():
            return f"@{piece.name}"
        case Break():
            return "\n"


def _block_text(block: Block) -> str:
    match block:
        case Paragraph():
            return "".join(map(_piece_text, block.pieces))
        case Items():
            marks = [f"{n}. " if block.ordered else "- " for n in range(1, len(block.items) + 1)]
            return "\n".join(mark + item for mark, item in zip(marks, block.items, strict=True))
        case Quoted():
            return ""


def own_words(body: Body) -> Body:
    """The body without what it quotes."""
    return tuple(block for block in body if not isinstance(block, Quoted))


def to_text(body: Body) -> str:
    """The own words as plain text, quotes left out: paragraphs apart by an empty line, list items one a line.

    A list follows what is before it, and what is after it follows, without an empty line: the page has none there.
    """
    text, before = "", None
    for block in own_words(body):
        if before is not None:
            text += "\n\n" if isinstance(before, Paragraph) and isinstance(block, Paragraph) else "\n"
        text += _block_text(block)
        before = block
    return text


def quotes_of(body: Body) -> list[Quote]:
    """What the body quotes, in order; a quote nested in a quote follows it, each with its own words only."""
    quotes = []
    for block in body:
        if isinstance(block, Quoted):
            quotes.append(Quote(post_id=block.post_id, author=block.author, text=to_text(block.blocks)))
            quotes.extend(quotes_of(block.blocks))
    return quotes


def links_of(body: Body) -> list[str]:
    """Addresses that the own words link to, in order."""
    return [
        piece.url for block in body if isinstance(block, Paragraph) for piece in block.pieces if isinstance(piece, Link)
    ]


def _piece_html(piece: Piece) -> str:
    match piece:
        case str():
            return escape(piece)
        case Link():
            return (
                f'<a href="{escape(piece.url)}" target="_blank" class="link link--external" '
                f'rel="nofollow ugc noopener">{escape(piece.label)}</a>'
            )
        case Strong():
            return f"<b>{escape(piece.text)}</b>"
        case Mention():
            name = escape(piece.name)
            return (
                f'<a href="/members/{piece.name.lower()}.{piece.user_id}/" class="username" '
                f'data-xf-init="member-tooltip" data-user-id="{piece.user_id}" data-username="@{name}">@{name}</a>'
            )
        case Break():
            return "<br />\n"


def _quote_html(quote: Quoted) -> str:
    attributes, title = "", ""
    if quote.author is not None:
        name = escape(quote.author)
        attributes = f' data-attributes="member: {quote.author_id}" data-quote="{name}"'
        title = f"{name} said:"
    if quote.post_id is not None:
        attributes += f' data-source="post: {quote.post_id}"'
        title = (
            f'<a href="/goto/post?id={quote.post_id}" class="bbCodeBlock-sourceJump" rel="nofollow" '
            f'data-xf-click="attribution" data-content-selector="#post-{quote.post_id}">{title}</a>'
        )
    head = f'\n\t<div class="bbCodeBlock-title">\n\t\t{title}\n\t</div>' if title else ""
    return (
        f"<blockquote{attributes} "
        'class="bbCodeBlock bbCodeBlock--expandable bbCodeBlock--quote js-expandWatch">'
        f"{head}\n\t"
        '<div class="bbCodeBlock-content">\n\t\t<div class="bbCodeBlock-expandContent js-expandContent ">\n\t\t\t'
        f"{to_html(quote.blocks)}\n\t\t</div>\n\t\t"
        '<div class="bbCodeBlock-expandLink js-expandLink"><a role="button" tabindex="0">Click to expand...</a></div>'
        "\n\t</div>\n</blockquote>"
    )


def to_html(body: Body) -> str:
    """The inside of XenForo's `div.bbWrapper`: paragraphs apart by two `<br />`, lists and quotes as blocks."""
    parts: list[str] = []
    after_text = False
    for block in body:
        match block:
            case Paragraph():
                parts.append(("<br />\n<br />\n" if after_text else "") + "".join(map(_piece_html, block.pieces)))
            case Items():
                tag = "ol" if block.ordered else "ul"
                items = "".join(f'<li data-xf-list-type="{tag}">{escape(item)}</li>\n' for item in block.items)
                parts.append(("<br />\n" if after_text else "") + f"<{tag}>\n{items}</{tag}>")
            case Quoted():
                parts.append(_quote_html(block))
        after_text = isinstance(block, Paragraph)
    return "".join(parts)


def _piece_markdown(piece: Piece) -> str:
    match piece:
        case Link():
            return f"[{piece.label}]({piece.url})"
        case Strong():
            return f"**{piece.text}**"
        case Mention():
            return f"u/{piece.name}"
        case Break():
            return "  \n"
        case str():
            return piece


def to_markdown(body: Body) -> str:
    """The body as Reddit's Markdown; quotes are `>` lines."""
    parts = []
    for block in body:
        match block:
            case Paragraph():
                parts.append("".join(map(_piece_markdown, block.pieces)))
            case Items():
                parts.append(_block_text(block))
            case Quoted():
                parts.append("\n".join(f"> {line}".rstrip() for line in to_markdown(block.blocks).split("\n")))
    return "\n\n".join(parts)


def markdown_html(body: Body) -> str:
    """What Reddit gives as `body_html` for `to_markdown(body)`."""

    def inside(blocks: Body) -> str:
        parts = []
        for block in blocks:
            match block:
                case Paragraph():
                    words = "".join(_piece_reddit_html(piece) for piece in block.pieces)
                    parts.append(f"<p>{words}</p>\n")
                case Items():
                    tag = "ol" if block.ordered else "ul"
                    items = "".join(f"<li>{escape(item)}</li>\n" for item in block.items)
                    parts.append(f"<{tag}>\n{items}</{tag}>\n")
                case Quoted():
                    parts.append(f"<blockquote>\n{inside(block.blocks)}</blockquote>\n")
        return "\n".join(parts)

    return f'<div class="md">{inside(body)}</div>'


def _piece_reddit_html(piece: Piece) -> str:
    match piece:
        case str():
            return escape(piece)
        case Link():
            return f'<a href="{escape(piece.url)}">{escape(piece.label)}</a>'
        case Strong():
            return f"<strong>{escape(piece.text)}</strong>"
        case Mention():
            return f'<a href="/u/{piece.name}">u/{piece.name}</a>'
        case Break():
            return "<br/>\n"
