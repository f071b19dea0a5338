"""The body of a Flarum post: own words, quotes and mentions with their targets, links, files.

`> @"Name"#p45 words` is how Flarum quotes: a blockquote that begins with `a.PostMention[data-id]`. The same link before
own words is what its reply button writes: the post that is answered.
"""

import re

from crawler.engines.html import Prose, attribute, behind, closing, element, elements, inline_text
from crawler.engines.post_body import PostBody
from crawler.engines.said import SAID, SAID_UNPARTED
from crawler.records import Quote

_CLASS = re.compile(r'\sclass="([^"]*)"')
_MENTION = re.compile(r'<(a|span)\b((?:\s[^<>]*)?\sclass="PostMention\b[^<>]*)>((?:[^<]++|<(?!/?\1\b))*+)</\1>')
_CITE = re.compile(r"<cite\b[^<>]*>((?:[^<]++|<(?!/?cite\b))*+)</cite>")
# How BBCode's quotes word "wrote:", which language packs translate.
_SAID = re.compile(rf"(?:\s+(?:{SAID})|\s*(?:{SAID_UNPARTED}))?\s*[:：]\s*$")  # noqa: RUF001
_FILE = re.compile(r"(?:^|/)assets/files/")
_DEEPEST = 20


class Body(PostBody):
    """Reads `contentHtml`."""

    def __init__(self, depth: int = 0) -> None:
        """`depth` is the number of quotes that the fragment stands in."""
        super().__init__(depth)
        self.quotes: list[Quote] = []
        self.mentioned: list[tuple[str, str]] = []
        """Id and address of each post that the own words name, in order."""
        self._behind_mention = -1, "", ""  # where a mention ended, of which post, by which name

    def read(self, markup: str) -> Prose:
        """Adds a fragment; quotes of BBCode have no class, and tags without attributes are not asked about."""
        return super().read(markup.replace("<blockquote>", '<blockquote class="uncited">'))

    def special(self, name: str, attributes: str, markup: str, position: int) -> int | None:
        """Flarum's own blocks."""
        if name == "blockquote":
            return self._quote(name, markup, position)
        found = _CLASS.search(attributes)
        words = found[1].split() if found else []
        if "PostMention" in words and name in {"a", "span"}:
            target = attribute(attributes, "data-id") or ""
            if target.isdecimal():
                self.mentioned.append((target, attribute(attributes, "href") or ""))
                end = closing(markup, name, position, len(markup))
                shown = inline_text(markup[position:end])
                self._behind_mention = end + len(name) + 3, target, shown
            return position
        if words and not {"UserMention", "GroupMention", "TagMention"}.isdisjoint(words):
            return position
        if name == "div" and (number := attribute(attributes, "data-fof-upload-download-uuid")):
            return self._file(number, markup, position)
        return None

    def image(self, attributes: str) -> None:
        """Emoji give their text; pictures that were uploaded to the forum count as files."""
        super().image(attributes)
        source = attribute(attributes, "src")
        if source and _FILE.search(source):
            self.attach(source, attribute(attributes, "alt") or attribute(attributes, "title"))

    def _file(self, number: str, markup: str, position: int) -> int:
        """A file of fof/upload: buttons with its name and size."""
        end = closing(markup, "div", position, len(markup))
        shown = [inline_text(content) for _, content in elements(markup, "Button", position, end)]
        picture = element(markup, "fof-download", position, end)
        name = next((text for text in shown if text), inline_text(picture[1]) if picture else None)
        self.attach(f"api/fof/download/{number}", name)
        self.block()
        return behind(markup, end)

    def _quote(self, name: str, markup: str, position: int) -> int:
        end = closing(markup, name, position, len(markup))
        if self._depth >= _DEEPEST:
            return behind(markup, end)
        content = markup[position:end]
        target, author = None, None
        own = content[: content.find("<blockquote")] if "<blockquote" in content else content
        if (mention := _MENTION.search(own)) is not None and not inline_text(own[: mention.start()]):
            target, author = attribute(mention[2], "data-id"), inline_text(mention[3]) or None
            content = content[: mention.start()] + content[mention.end() :]
        elif (cited := _CITE.search(own)) is not None:
            author = _SAID.sub("", inline_text(cited[1])) or None
            content = content[: cited.start()] + content[cited.end() :]
        else:
            after, post_id, shown = self._behind_mention
            if 0 <= after <= position and not inline_text(markup[after : markup.rfind("<", after, position)]):
                target, author = post_id, shown or None
        inner = Body(self._depth + 1)
        inner.read(content)
        quote = Quote(post_id=target, author=author, text=inner.result().strip())
        self.quotes += [quote, *inner.quotes]
        self.block()
        return behind(markup, end)
