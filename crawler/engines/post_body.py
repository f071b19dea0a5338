"""What the bodies of posts have in common, whatever the software: the files placed in the text."""

from crawler.engines.html_text import Prose
from crawler.records import Attachment


class PostBody(Prose):
    """Reads the HTML of a post's text; `attachments` holds its files, addresses as written, each once."""

    def __init__(self, depth: int = 0) -> None:
        """`depth` is the number of quotes that the fragment stands in."""
        super().__init__()
        self.attachments: list[Attachment] = []
        self._depth = depth

    def attach(self, url: str, name: str | None) -> None:
        """Adds a file, unless it is known or has no address."""
        if url and all(known.url != url for known in self.attachments):
            self.attachments.append(Attachment(url=url, name=name or None))
