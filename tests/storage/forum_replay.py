"""The history of a forum as plain Python tells it: an oracle for `posts_asof`, `changes` and the others.

It knows nothing of SQL, of partitions or of the archive's code: it meets the same crawls in the same order, keeps
lists of versions and sightings, and answers by looking through them.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from crawler.records import Post
from tests.storage.ward_forum import FIRST_DAY, Crawl, Forum, on_day

SEEN = "visible"
DELETED = {"status": "deleted", "body_text": "", "quotes": 0, "attachments": 0, "links": 0}
COMPARED = ("thread_id", "created_at", "body_text", "quotes", "attachments", "links", "status")
"""What makes a version, in the order of the columns; of lists their length, as these posts never change them else."""


class Version(NamedTuple):
    """A version of a post."""

    snapshot: int
    observed_at: datetime
    number: int
    change: str
    values: dict[str, Any]
    before: dict[str, Any] | None


class Sighting(NamedTuple):
    """A post met on a page."""

    snapshot: int
    seen_at: datetime
    reactions: int | None


@dataclass
class Replay:
    """All versions, sightings and findings of absence, by post."""

    versions: dict[str, list[Version]] = field(default_factory=dict)
    sightings: dict[str, list[Sighting]] = field(default_factory=dict)
    absences: dict[str, list[datetime]] = field(default_factory=dict)
    snapshot: int = 0

    def commit(self, crawl: Crawl) -> None:
        """What the archive should make of a crawl that reads every thread whole."""
        self.snapshot += 1
        met: dict[str, tuple[Post, datetime]] = {}
        for page in crawl.pages:
            met |= {post.post_id: (post, page.fetched_at) for post in page.parsed.posts}
        read_at = {post.thread_id: seen_at for post, seen_at in met.values()}
        for post_id, gone_at in list(self._missing(met, read_at)):
            self._add(post_id, gone_at, "deleted", self.versions[post_id][-1].values | DELETED)
        for post_id, (post, seen_at) in met.items():
            before = self.versions[post_id][-1].values if post_id in self.versions else None
            values = {
                "thread_id": post.thread_id,
                "created_at": post.created_at or (before and before["created_at"]),
                "body_text": post.body_text,
                "quotes": len(post.quotes),
                "attachments": len(post.attachments),
                "links": len(post.links) - 1,  # without the one to a profile
                "status": SEEN,
            }
            if before is None:
                self._add(post_id, seen_at, "new", values)
            elif seen_at >= self._last_seen(post_id) and values != before:
                edited = "moved" if values["thread_id"] != before["thread_id"] else "edited"
                self._add(post_id, seen_at, "restored" if before["status"] == "deleted" else edited, values)
            self.sightings.setdefault(post_id, []).append(Sighting(self.snapshot, seen_at, post.reactions))

    def _missing(self, met: Iterable[str], read_at: dict[str, datetime]) -> Iterator[tuple[str, datetime]]:
        """Posts that are proven to be gone: nothing else of their thread is unaccounted for, or found gone twice."""
        for thread_id, gone_at in read_at.items():
            last = {post_id: versions[-1].values for post_id, versions in self.versions.items() if post_id not in met}
            here = [one for one, values in last.items() if (values["thread_id"], values["status"]) == (thread_id, SEEN)]
            missing = [post_id for post_id in here if self._last_seen(post_id) <= gone_at]
            for post_id in missing:
                findings = [found for found in self.absences.get(post_id, []) if found > self._last_seen(post_id)]
                if missing == here or (findings and gone_at - min(findings) >= timedelta(hours=1)):
                    yield post_id, gone_at
                else:
                    self.absences.setdefault(post_id, []).append(gone_at)

    def _add(self, post_id: str, at: datetime, change: str, values: dict[str, Any]) -> None:
        held = self.versions.setdefault(post_id, [])
        before = held[-1].values if held else None
        held.append(Version(self.snapshot, at, len(held) + 1, change, values, before))

    def _last_seen(self, post_id: str) -> datetime:
        seen = [sighting.seen_at for sighting in self.sightings.get(post_id, [])]
        return max([*seen, *(version.observed_at for version in self.versions[post_id])])

    def asof(self, instant: datetime) -> dict[str, dict[str, Any]]:
        """The posts as they were known then, by id."""
        return self._state(lambda version: version.observed_at <= instant, lambda sighting: sighting.seen_at <= instant)

    def at_snapshot(self, number: int) -> dict[str, dict[str, Any]]:
        """The posts as they stood after that commit, by id."""
        return self._state(lambda version: version.snapshot <= number, lambda sighting: sighting.snapshot <= number)

    def _state(self, is_known: Any, is_seen: Any) -> dict[str, dict[str, Any]]:
        state = {}
        for post_id, versions in self.versions.items():
            held = [version for version in versions if is_known(version)]
            if held:
                seen = max((one for one in self.sightings[post_id] if is_seen(one)), key=lambda one: one.seen_at)
                state[post_id] = {
                    **held[-1].values,
                    "version": held[-1].number,
                    "change": held[-1].change,
                    "observed_at": held[-1].observed_at,
                    "month": month_of(held[-1].values["created_at"]),
                    "reactions": seen.reactions,
                    "last_seen_at": seen.seen_at,
                }
        return state

    def changes(self, after: datetime, until: datetime) -> list[dict[str, Any]]:
        """The versions first seen after the one and up to the other instant, in no order."""
        return [
            {
                "post_id": post_id,
                "change": version.change,
                "version": version.number,
                "thread_id": version.values["thread_id"],
                "previous_thread_id": version.before and version.before["thread_id"],
                "changed": [
                    name for name in COMPARED if version.before and version.before[name] != version.values[name]
                ],
                "snapshot": version.snapshot,
                "observed_at": version.observed_at,
            }
            for post_id, versions in self.versions.items()
            for version in versions
            if after < version.observed_at <= until
        ]


def month_of(instant: datetime | None) -> str:
    """The partition of a post."""
    return instant.strftime("%Y-%m") if instant else "unknown"


def crawls_of(seed: int, count: int = 6) -> list[Crawl]:
    """Crawls of a forum in which things happen, in the order in which they are committed: some come late."""
    rng = random.Random(seed)
    forum = Forum.with_threads(count=3, replies=3)
    for post in rng.sample(sorted(forum.posts.values(), key=lambda post: post.post_id), 3):
        post.created_at = None
    gone: dict[str, Post] = {}
    crawls = []
    for day in range(count):
        crawls.append(forum.crawl(f"day-{day}", on_day(day)))
        for _ in range(rng.randrange(1, 7)):
            _let_something_happen(forum, gone, day, rng)
    for _ in range(rng.randrange(3)):
        crawls.insert(rng.randrange(count), crawls.pop(rng.randrange(count)))
    return crawls


def _let_something_happen(forum: Forum, gone: dict[str, Post], day: int, rng: random.Random) -> None:
    post = rng.choice(list(forum.posts.values()))
    match rng.choice(("edit", "delete", "delete", "restore", "move", "date", "undate", "reply", "like", "undo")):
        case "edit":
            post.body_text = f"In other words, {rng.randrange(1_000)} of them."
        case "undo":
            post.body_text = "As it was."
        case "delete" if len(forum.posts_of(post.thread_id)) > 1:
            gone[post.post_id] = forum.posts.pop(post.post_id)
        case "restore" if gone:
            back = gone.pop(rng.choice(sorted(gone)))
            forum.posts[back.post_id] = back
        case "move" if len(forum.posts_of(post.thread_id)) > 1:
            post.thread_id = rng.choice(list(forum.threads))
        case "date":
            post.created_at = FIRST_DAY + timedelta(days=31 * rng.randrange(3))
        case "undate":
            post.created_at = None
        case "reply":
            thread_id = rng.choice(list(forum.threads))
            new = forum.reply(thread_id, on_day(day, 1))
            # The forum counts what stands; a number that was given before is never given again.
            del forum.posts[new.post_id]
            new.post_id = f"{thread_id}{day:02d}{rng.randrange(10_000):04d}"
            forum.posts[new.post_id] = new
        case "like":
            post.reactions = rng.randrange(100)
