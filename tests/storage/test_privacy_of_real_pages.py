"""Real saved pages of every engine, committed: no author's name is in any table but `authors`.

The names are the pages' own, so neither they nor the texts may be shown: a failure tells table, column and how many.
"""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.engines import parse
from crawler.receipt import Outcome, Receipt, StagedPage
from storage.archive import Archive
from storage.batch import Batch
from storage.dedupe import dedupe
from tests.engines.real_pages import real_pages

FOLDERS = (
    *("derived", "discourse-html", "discourse-json", "invision", "nodebb", "phpbb", "reddit-json", "reddit-rss"),
    *("smf", "vanilla", "vbulletin", "xenforo1", "xenforo2", "xenforo2-rss"),
)
FETCHED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UNUSUAL = re.compile(
    r"(?=.{6})(?=(?:.*[^\W\d_]){3})(?:.*[A-Za-z]\w*_|.*_\w*[A-Za-z]|.*[^\W\d_]{3}.*[0-9]{2}|.*[a-z]{2}[A-Z][a-z])"
    r"|[A-Z]\w+(?: [A-Z]\w+)+"
)
"""Six characters at least and no ordinary word: an underscore, a number behind letters, a capital inside, two names."""
SPARED = re.compile(r"(?:The|An?|My|Just|New) ")
"""Names that begin so may be words ("The Doctor"): docs/privacy.md says that they are not looked for."""


def stands_in(name: str, text: str) -> bool:
    """Whether the name is in the text as a whole word."""
    return name in text and re.search(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text) is not None


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_name_is_in_a_table(folder: str, fixtures_dir: Path, archive: Archive) -> None:
    pages = [
        StagedPage(url=page.url, fetched_at=FETCHED, parsed=parse(page)) for _, page in real_pages(fixtures_dir, folder)
    ]
    receipt = Receipt(
        site="s", crawl_id="c1", engine="any", started_at=FETCHED, finished_at=FETCHED, outcome=Outcome.COMPLETE
    )
    batch = Batch.of(pages, receipt)
    archive.commit(dedupe(batch, archive.known(batch), archive.pseudonyms), receipt)
    names = {name for name in batch.author_names() if name and UNUSUAL.match(name) and not SPARED.match(name)}
    leaks: Counter[str] = Counter()
    with archive.connect() as connection:
        for table in ("posts", "threads", "boards", "observations", "crawls"):
            rows = connection.sql(f"FROM {table}").to_arrow_table()
            for column in rows.column_names:
                text = "\n".join(map(str, rows.column(column).to_pylist())).lower()
                leaks[f"{table}.{column}"] += sum(stands_in(name.lower(), text) for name in names)
    assert +leaks == {}
    assert len(batch.posts) + len(batch.threads) > 0
