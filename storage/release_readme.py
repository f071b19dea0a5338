"""The README of a release: what it is, what it holds, what it lacks, how it is read and cited. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime

from storage.release_facts import Counted, Facts, Gap
from storage.release_metadata import DATAPACKAGE, DICTIONARY, MANIFEST, SUMS, About
from storage.release_tables import RELEASED

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def readme_of(about: About, facts: Facts, data_sha256: str) -> str:
    """The README as Markdown.

    Args:
        about: the release.
        facts: its figures, see `storage.release_facts`.
        data_sha256: see `storage.release_metadata.data_digest`.
    """
    sections = (
        _head(about, data_sha256),
        _tables(facts),
        _sites(facts),
        _boards(facts.boards),
        _gaps(about, facts),
        _privacy(about, facts.masked),
        _READING.replace("SITE", min(about.sites)),
        _CHECKING,
        _citing(about, data_sha256),
        _licence(about),
        f"## Notes of the operator\n\n{about.notes.strip()}\n" if about.notes else "",
    )
    return "\n".join(section for section in sections if section)


def _head(about: About, data_sha256: str) -> str:
    scope = "all sites of the archive" if about.whole else "these sites of the archive only"
    changed = "".join(
        f"\nThis release was changed on {day}, after it was made: rows were removed or altered, and all figures and "
        f"checksums here are of that day. Copies made before should be replaced by this one.\n"
        for day in about.changed
    )
    return f"""# Medical discussion threads, release {about.version}

Threads and posts of discussion boards as plain Parquet, with every version of them that was seen.

- Snapshot {about.snapshot}, committed {_instant(about.as_of)}: {scope} ({", ".join(sorted(about.sites))}) as they were
  then known. What a site showed later is not in it.
- Schema version {about.schema_version}, made by {about.software}.
- SHA-256 of the data: `{data_sha256}`
{changed}"""


def _tables(facts: Facts) -> str:
    rows = [(f"`{name}`", f"{files:,}", f"{rows:,}", RELEASED[name].doc) for name, (files, rows) in facts.rows.items()]
    return f"""## What is in it

{_table(("table", "files", "rows", "what it holds"), rows)}
`{DICTIONARY}` tells the meaning of every column, `{DATAPACKAGE}` the same for programs (Frictionless Data Package 2.0),
`{MANIFEST}` rows, bytes and SHA-256 of every file. Tables below `summaries/` are derived from the posts and were as of
their column `refreshed_at`, where they have one.
"""


def _sites(facts: Facts) -> str:
    crawled = {site.site: site for site in facts.crawled}
    rows = [
        (
            site.site,
            crawled[site.site].engine or "",
            *_figures(site),
            f"{crawled[site.site].crawls:,}",
            _day(crawled[site.site].first_at),
            _day(crawled[site.site].last_at),
        )
        for site in facts.sites
    ]
    heads = ("site", "engine", *_FIGURES, "crawls", "first crawl", "last crawl")
    return f"""## Sites

{_table(heads, rows)}
Nothing that a site showed after its last crawl is here. Posts that are gone (deleted, removed or hidden; `status`
tells) are among the posts. Authors are counted by pseudonym.
"""


def _boards(boards: Sequence[Counted]) -> str:
    rows = [(board.site, board.board_id or "(not known)", board.title or "", *_figures(board)) for board in boards]
    return f"## Boards\n\n{_table(('site', 'board', 'title', *_FIGURES), rows)}"


_FIGURES = ("threads", "posts", "of these gone", "authors", "first post", "last post")


def _figures(counted: Counted) -> tuple[str, ...]:
    numbers = (counted.threads, counted.posts, counted.gone, counted.authors)
    return (*(f"{number:,}" for number in numbers), _day(counted.first_at), _day(counted.last_at))


def _gaps(about: About, facts: Facts) -> str:
    without = sorted(set(about.sites) - {gap.site for gap in facts.gaps})
    clean = f"Of {', '.join(without)} none is known.\n" if without else ""
    table = _table(("site", "what", "how many"), [(gap.site, gap.what, f"{gap.count:,}") for gap in facts.gaps])
    return f"""## Known gaps

What the crawls could not read, or did not, as their receipts (`crawls`) and the site's own counts tell. Pages are
counted once for each crawl. Gaps that no page tells of cannot be known.

{table if facts.gaps else ""}{clean}"""


def _privacy(about: About, masked: Sequence[Gap]) -> str:
    counted = _table(("site", "kind", "masked"), [(gap.site, gap.what, f"{gap.count:,}") for gap in masked])
    found = f"\nIdentifiers that were found in the texts and masked:\n\n{counted}" if masked else ""
    named = (
        f"\nThe archive keeps the names of members of {', '.join(about.named)}. Columns with names are left out here, "
        "but mentions, quotes and links in the texts of these sites may hold them.\n"
        if about.named
        else ""
    )
    return f"""## Privacy

The posts were written by people, some of them about their own health. Authors are pseudonyms: `author_key` is a keyed
hash, its key is not part of the release, and neither is the table of names. A pseudonym is the same for the same name
within a site, so that all posts of one author can be brought together. Texts are the authors' own: what they tell of
themselves or of others may identify them, no masking finds all of it, and any sentence may be found again by a
search engine. So: do not try to tell who somebody is, do not quote at length where the words can be searched for, keep
the release where only those have access who need it, and delete or replace it when the operator says so.
{named}{found}"""


_READING = """## Reading it

In this folder; every table with partitions is read alike.

```python
import duckdb
posts = duckdb.read_parquet("posts/*/*/*.parquet", hive_partitioning=True)
print(duckdb.sql("SELECT month, count(*) AS posts FROM posts WHERE site = 'SITE' GROUP BY month ORDER BY month"))
```

```python
import polars as pl
posts = pl.scan_parquet("posts/**/*.parquet", hive_partitioning=True, try_parse_hive_dates=False)
print(posts.filter(pl.col("site") == "SITE").group_by("month").len().sort("month").collect())
```

```python
import pandas as pd
posts = pd.read_parquet("posts", filters=[("site", "==", "SITE")])
print(posts.groupby("month", observed=True).size())
```

```python
import pyarrow.dataset as ds
posts = ds.dataset("posts", partitioning="hive")
print(posts.to_table(filter=ds.field("site") == "SITE").group_by("month").aggregate([("post_id", "count")]))
```

```r
library(arrow); library(dplyr)
posts <- open_dataset("posts")
posts |> filter(site == "SITE") |> count(month) |> collect()
```
"""

_CHECKING = f"""## Checking it

`sha256sum -c {SUMS}` checks every file. The SHA-256 of the data is that of the lines which name Parquet files:
`grep '\\.parquet$' {SUMS} | sha256sum`.
"""


def _citing(about: About, data_sha256: str) -> str:
    return f"""## Citing it

> Medical discussion threads ({", ".join(sorted(about.sites))}), release {about.version}, snapshot {about.snapshot} of
> {about.as_of:%Y-%m-%d}. Parquet, SHA-256 of the data {data_sha256}.
"""


def _licence(about: About) -> str:
    stated = (
        f"The operator states: {_cell(about.licence)}"
        if about.licence
        else "The operator has stated no licence; ask before you pass the release on."
    )
    return f"""## Licence

{stated}

The posts belong to their authors, and the sites' terms hold for them; whatever is said here can concern no more than
the compilation.
"""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return _CONTROL.sub(" ", text).replace("|", "\\|").strip()


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
