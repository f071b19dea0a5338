"""Reddit's engine on every real answer of the shared folder, against reviewed expectations and an independent count.

An expectation holds counts, ids, instants and hashes only: the posts belong to their authors.
"""

import csv
import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from crawler.engines.page import Page
from crawler.engines.reddit import Reddit
from crawler.records import ParsedPage

EXPECTED = Path(__file__).parent / "expected" / "reddit"
REAL_FOLDERS = ("reddit-json", "derived", "pushshift", "reddit-html", "reddit-rss", "errors")


def digest(*values: object) -> str:
    return hashlib.sha256(repr(values).encode()).hexdigest()[:16]


def account(parsed: ParsedPage) -> dict[str, object]:
    """A page in a few lines that hold no word and no name of anybody's."""
    posts = parsed.posts
    if not parsed.records():
        return {"page_kind": parsed.page_kind.value, "reason": digest(parsed.reason)}
    return {
        "page_kind": parsed.page_kind.value,
        "reason": digest(parsed.reason) if parsed.reason else None,
        "next_after": (re.findall(r"after=(\w+)", parsed.next_url or "") or [None])[0],
        "thread_id": parsed.thread_id,
        "containers": parsed.containers,
        "boards": len(parsed.boards),
        "threads": dict(Counter(thread.thread_type or "none" for thread in parsed.threads)),
        "posts": len(posts),
        "first_and_last": [post.post_id for post in (posts[:2] + posts[-1:])],
        "instants": [str(min(stamps)), str(max(stamps))]
        if (stamps := [p.created_at for p in posts if p.created_at])
        else [],
        "status": dict(Counter(post.status.value for post in posts)),
        "edited": sum(post.edited for post in posts),
        "quotes": [
            sum(len(post.quotes) for post in posts),
            sum(q.post_id is not None for p in posts for q in p.quotes),
        ],
        "attachments": sum(len(post.attachments) for post in posts),
        "links": dict(Counter(link.rel for link in parsed.links)),
        "held_back": sum(len(link.ids) for link in parsed.links),
        "sha_tree": digest([(post.thread_id, post.post_id, post.parent_id) for post in posts]),
        "sha_times": digest([(str(post.created_at), str(post.edited_at)) for post in posts]),
        "sha_authors": digest([post.author for post in posts]),
        "sha_texts": digest([post.body_text for post in posts]),
        "sha_quotes": digest([(quote.post_id, quote.text) for post in posts for quote in post.quotes]),
        "sha_targets": digest([post.links for post in posts]),
        "sha_threads": digest(
            [(t.thread_id, t.title, t.reply_count, t.score, t.prefix, t.url) for t in parsed.threads]
        ),
    }


def parse_real(fixtures_dir: Path, file: str) -> ParsedPage:
    with (fixtures_dir / "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        rows = {row["file"]: row for row in csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE)}
    answered = re.search(r"(https?://\S+) -> (\d+)", rows[file]["what"])
    url, status = (answered[1], int(answered[2])) if answered else ("https://www.reddit.com/", 200)
    page = Page(url=url, body=(fixtures_dir / file).read_bytes(), site="reddit", status=status)
    return Reddit().parse(page)


def expectation_of(file: str) -> Path:
    return EXPECTED / f"{file.replace('/', '--').removesuffix('.json')}.json"


@pytest.mark.parametrize("path", sorted(EXPECTED.glob("*.json")), ids=lambda path: path.name.removesuffix(".json"))
def test_a_real_page_reads_as_reviewed(path, fixtures_dir):
    expected = json.loads(path.read_text(encoding="utf-8"))
    found = account(parse_real(fixtures_dir, expected.pop("file")))
    assert found == expected
    assert found.get("containers") == found.get("posts")


def test_every_real_page_has_a_reviewed_expectation(fixtures_dir):
    written = []
    for path in sorted(path for folder in REAL_FOLDERS for path in (fixtures_dir / folder).iterdir()):
        file = f"{path.parent.name}/{path.name}"
        expectation = expectation_of(file)
        if expectation.exists() or path.suffix == ".md" or path.name.startswith("nodebb"):
            continue
        expected = {"file": file} | account(parse_real(fixtures_dir, file))
        expectation.write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
        written.append(expectation.name)
    assert not written, f"written; review before committing: {', '.join(written)}"


def test_every_thing_of_every_real_answer_is_read(fixtures_dir):
    """Against a count that knows nothing of the engine: each t1 and t3 anywhere in the JSON, by id and time."""
    for path in sorted([*(fixtures_dir / "derived").glob("praw-*"), *(fixtures_dir / "reddit-json").glob("g*")]):
        expected, waiting = Counter(), [json.loads(path.read_bytes())]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict) and value.get("kind") in {"t1", "t3"}:
                data = value["data"]
                expected[data["name"] if data["name"][:3] in {"t1_", "t3_"} else data["id"], data["created_utc"]] += 1
            waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        parsed = parse_real(fixtures_dir, f"{path.parent.name}/{path.name}")
        found = Counter(
            (f"t{3 if post.is_opening else 1}_{post.post_id}", post.created_at and post.created_at.timestamp())
            for post in parsed.posts
        )
        assert found == expected, path.name


def test_no_page_of_other_software_is_taken_for_reddits(fixtures_dir):
    taken = [
        str(path.relative_to(fixtures_dir))
        for path in sorted(fixtures_dir.rglob("*.*"))
        if path.parent.name not in REAL_FOLDERS and path.is_file() and path.suffix not in {".bin", ".tsv", ".md"}
        if Reddit().recognise(Page(url="https://forum.example.org/t/1", body=path.read_bytes(), site="x"))
    ]
    assert taken == []
