"""The "cooked" HTML of a post, which JSON and pages share: own words, quotes with targets, files, links, a poll.

Its markup is Discourse's own (class names that its scripts rely on), the same in every skin and language.
"""

import re
from collections.abc import Callable

from crawler.engines.html import attribute, behind, closing, decoded, element, inline_text, number_of
from crawler.engines.html_text import BREAK
from crawler.engines.post_body import PostBody
from crawler.records import Poll, PollOption, Quote

Target = Callable[[str | None, int], str]
"""Id of the post with that number in that topic (None: in the topic of the post itself)."""

_CLASS = re.compile(r'\sclass="([^"]*)"')
_LIGHTBOX = re.compile(r'<a class="lightbox" href="([^"]*)"[^<>"]*(?:"[^<>"]*"[^<>"]*)?\stitle="([^"]+)"')
_BLOCKQUOTE = re.compile(r"<blockquote\b[^>]*>")
_HREF = re.compile(r'\shref="([^"]*)"')
_SINGLE_QUOTED = re.compile(r"(\s[\w-]+=)'([^'\"<>]*)'")
_SOURCE = re.compile(r'<(?:source|video|audio|a)\b[^>]*?\s(?:src|href)="([^"]+)"')
_SAID = re.compile(r"(?:\s+(?:said|wrote))?\s*:?$")
_UPLOAD = re.compile(
    r"(?<!wp-content)/uploads/(?:default/|short-url/|secure/|[\w-]+/(?:original|optimized|\d+)/)"
    r"|/secure-(?:media-)?uploads/|/(?:original|optimized)/\dX/|^upload://"
)
_OPTION = re.compile(r"<li\b[^>]*\sdata-poll-option-id=[^>]*>")
_NUMBER = re.compile(r'class="info-number"[^>]*>([^<]*)<')
_PLAIN = {**PostBody.plain, **dict.fromkeys(("br", "br/", "br /"), BREAK), 'code class="lang-auto"': ""}
_DEEPEST = 20
_LONGEST_NAME = 5_000
"""Characters of the markup of a file's name, or of a poll's answer."""
_CLASSED = frozenset({"a", "article", "aside", "blockquote", "button", "details", "div", "img", "section", "span"})
# Parts that are not the author's words: buttons and counters that scripts add, hints of uploads, cut-off mail quotes.
_LEFT_OUT = frozenset(
    {"quote-controls", "codeblock-button-wrapper", "fullscreen-table-wrapper__buttons", "clicks", "elided"}
    | {"cooked-selection-barrier", "footnote-backref", "open-popup-link", "post-notice", "expand-hidden"}
    | {"btn", "widget-button", "click-count", "discourse-placeholder-btn"}
)
# Links that the software makes of names: their text is the author's, their address is not.
_NAMES = frozenset({"mention", "mention-group", "hashtag", "hashtag-cooked", "anchor", "hashtag-raw", "group-mention"})


class Cooked(PostBody):
    """Reads a post's HTML."""

    plain = _PLAIN

    def __init__(self, target: Target, depth: int = 0) -> None:
        super().__init__(depth)
        self.quotes: list[Quote] = []
        self.poll: Poll | None = None
        self._target = target

    def read(self, markup: str) -> "Cooked":
        """Adds a fragment."""
        self.scan(markup)
        return self

    def frequent(self, tag: str) -> bool:
        """Takes a tag that is not worth a closer look; False where it is."""
        if tag.startswith("a "):
            # A mention's address is none that the author wrote.
            return (tag.startswith('a class="mention" href="/u/') and tag[-1] == '"') or (
                tag.startswith('a href="') and self._plain_link(tag)
            )
        return super().frequent(tag)

    def _plain_link(self, tag: str) -> bool:
        """Takes a link of the author's own, unless its tag is of another kind or holds a ">"."""
        if "class=" in tag or tag[-1] != '"' or tag.count('"') % 2:
            return False
        href = tag[8 : tag.index('"', 8)]
        if not href.startswith(("#", "javascript:")):
            self.links.append(decoded(href))
        return True

    def _tag(self, token: re.Match[str], name: str, markup: str, position: int) -> int:
        if name == "blockquote" and not token[1] and not token[3]:
            return self._plain_quote(markup, position)
        return super()._tag(token, name, markup, position)

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Discourse's own blocks."""
        if "='" in attributes:
            attributes = _SINGLE_QUOTED.sub(r'\1"\2"', attributes)
        if name not in _CLASSED:
            return self._media(name, attributes, markup, position) if name in {"video", "audio"} else None
        if name == "blockquote":
            return self._plain_quote(markup, position)
        found = _CLASS.search(attributes)
        words = found[1].split() if found else []
        if not words:
            return self._link(words, attributes, markup, position) if name == "a" else None
        if not _LEFT_OUT.isdisjoint(words):
            return self._dropped(name, markup, position)
        if name == "a":
            return self._link(words, attributes, markup, position)
        if name == "img":
            return position if "avatar" in words or "site-icon" in words or "thumbnail" in words else None
        if name in {"aside", "div"}:
            return self._box(name, words, attributes, markup, position)
        return None

    def _dropped(self, name: str, markup: str, position: int) -> int:
        if name != "span":
            self.block()
        return self.past(name, markup, position)

    def _box(self, name: str, words: list[str], attributes: str, markup: str, position: int) -> int | None:
        if "quote" in words and name == "aside":
            return self._quote(attributes, markup, position)
        if "chat-transcript" in words:
            return self._chat(attributes, markup, position)
        if "onebox" in words or "lazy-video-container" in words or "lazyYT" in words:
            return self._onebox(name, attributes, markup, position)
        if "lightbox-wrapper" in words or "image-wrapper" in words:
            return self._lightbox(name, markup, position)
        if "poll" in words:
            return self._poll(name, attributes, markup, position)
        if "video-placeholder-container" in words and (source := attribute(attributes, "data-video-src")):
            self.attach(source, None)
            return self._dropped(name, markup, position)
        return None

    # -- quotes ---------------------------------------------------------------------------------------------------

    def _quote(self, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, "aside", position, len(markup))
        opened = _BLOCKQUOTE.search(markup, position, end)
        title = element(markup, "title", position, opened.start() if opened else end)
        topic, number = attribute(attributes, "data-topic"), attribute(attributes, "data-post")
        post_id = None
        if number and number.isdecimal() and (topic is None or topic.isdecimal()):
            post_id = self._target(topic, int(number[:9]))
        author = attribute(attributes, "data-username") or None
        link = _HREF.search(title[1]) if title else None
        if author is None and title is not None:
            # A topic of the site shown as a card has the topic's title there, linked.
            author = None if link else _SAID.sub("", inline_text(title[1])) or None
            if link is not None:
                self.links.append(decoded(link[1]))
        if opened:
            words = markup[opened.end() : closing(markup, "blockquote", opened.end(), end)]
        else:
            words = "" if title else markup[position:end]
        self._add_quote(post_id, author, words)
        return behind(markup, end)

    def _chat(self, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, "div", position, len(markup))
        said = element(markup, "chat-transcript-messages", position, end)
        self._add_quote(None, attribute(attributes, "data-username") or None, said[1] if said else "")
        return behind(markup, end)

    def _add_quote(self, post_id: str | None, author: str | None, words: str) -> None:
        if self._depth < _DEEPEST:
            inner = Cooked(self._target, self._depth + 1)
            inner.read(words)
            self.quotes += [Quote(post_id=post_id, author=author, text=inner.result()), *inner.quotes]
        self.block()

    def _plain_quote(self, markup: str, position: int) -> int:
        """A quotation of Markdown (">"), which names nobody."""
        end = closing(markup, "blockquote", position, len(markup))
        self._add_quote(None, None, markup[position:end])
        return behind(markup, end)

    # -- links, cards, files --------------------------------------------------------------------------------------

    def _link(self, words: list[str], attributes: str, markup: str, position: int) -> int | None:
        """None for a link of the author's own."""
        href = attribute(attributes, "href")
        if href is None or href.startswith(("#", "javascript:")) or not _NAMES.isdisjoint(words):
            return position
        if "lightbox" in words:
            return self._picture(attributes, markup, position)
        if "attachment" in words:
            end = markup.find("</a", position, position + _LONGEST_NAME)
            self.attach(href, inline_text(markup[position : max(end, position)]) or None)
            return position
        return None

    def _picture(self, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, "a", position, len(markup))
        name = element(markup, "filename", position, end)
        shown = attribute(attributes, "title") or (inline_text(name[1]) if name else None)
        self.attach(attribute(attributes, "href") or "", shown)
        return behind(markup, end)

    def _lightbox(self, name: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        usual = _LIGHTBOX.match(markup, position, end)
        link = element(markup, "lightbox", position, end) if usual is None else None
        if usual is not None:
            self.attach(decoded(usual[1]), decoded(usual[2]))
        elif link is not None:
            self._picture(link[0], link[1], 0)
        else:
            for tag in re.findall(r"<img\b[^>]*>", markup[position:end]):
                self.image(tag)
        self.block()
        return behind(markup, end)

    def image(self, attributes: str) -> None:
        """Emoji give their text; pictures that were uploaded count as files."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source is None or self.is_smiley(attributes) or "avatar" in attributes:
            return
        if "data-base62-sha1" in attributes or _UPLOAD.search(source):
            self.attach(source, attribute(attributes, "alt"))

    def _media(self, name: str, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        source = attribute(attributes, "src")
        if source is None and (found := _SOURCE.search(markup, position, end)) is not None:
            source = decoded(found[1])
        if source:
            self.attach(source, None)
        return behind(markup, end)

    def _onebox(self, name: str, attributes: str, markup: str, position: int) -> int:
        """A link shown as a card: its title and its address."""
        end = closing(markup, name, position, len(markup))
        card = markup[position:end]
        url = attribute(attributes, "data-onebox-src")
        heading = re.search(r"<h[34][^>]*>(.{0,2000}?)</h[34]>", card, re.DOTALL)
        links = [decoded(href) for href in _HREF.findall(heading[1] if heading else card)[:1]]
        url = url or (links[0] if links else None) or attribute(attributes, "data-video-id")
        named = attribute(attributes, "data-video-title") or attribute(attributes, "data-youtube-title")
        title = inline_text(heading[1]) if heading else named
        if url and url.startswith(("http", "/")):
            self.links.append(url)
        self.block()
        self.text((title or url or "").replace("&", "&amp;"))
        self.block()
        return behind(markup, end)

    def _poll(self, name: str, attributes: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        block = markup[position:end]
        options = []
        for found in _OPTION.finditer(block):
            close = block.find("</li", found.end(), found.end() + _LONGEST_NAME)
            if words := inline_text(block[found.end() : max(close, found.end())]):
                options.append(PollOption(text=words))
        title = element(block, "poll-title")
        voters = _NUMBER.search(block)
        if options and self.poll is None:
            question = inline_text(title[1]) if title else attribute(attributes, "data-poll-question")
            count = number_of(voters[1]) if voters else None
            self.poll = Poll(question=question or None, options=options, voters=count)
        self.block()
        return behind(markup, end)
