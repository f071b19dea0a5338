"""The invented world of the demo forum, and its clock.

`World` is a pure function of its parameters: thread number `i` has the same posts, edits, deletions and reactions
whenever it is asked for, each with its instant, also after "now". `World.at(instant)` is what a guest sees then.
Threads are planned when first needed (times and authors only); words are made when a page needs them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import Random

from demo.body import Body, Quoted, own_words
from demo.plan import (
    BOARDS,
    DAY,
    MOVED_SHOWN,
    BoardPlan,
    Member,
    PostPlan,
    ThreadPlan,
    make_members,
    plan_thread,
)
from demo.prose import Story, edited, excerpt, opening, reply, story

EPOCH = datetime(2025, 11, 1, tzinfo=UTC)
SITE_OFFSET = timedelta(hours=-5)
"""The forum shows its times five hours behind UTC, all year."""
FIRST_THREAD = 1001
REDIRECTS = 5_000_000
"""A moved thread leaves a row with the thread's id plus this in its old board."""
POSTS_A_THREAD = 10_000


class World:
    """Everything that ever happens on the demo forum.

    Args:
        seed: another seed, another world.
        epoch: instant at which the first thread starts (aware).
        threads: how many threads start within the first `days` days; later ones come at `per_day`.
        days: length of that first stretch.
        per_day: new threads a day after it.
    """

    def __init__(
        self, seed: int = 7, epoch: datetime = EPOCH, threads: int = 120, days: float = 365, per_day: float = 4.0
    ) -> None:
        self.seed = seed
        self.epoch = int(epoch.timestamp())
        self.threads = threads
        self.span = days * DAY
        self.per_day = per_day
        self.members = make_members(seed, self.epoch)
        self.left_at = self.epoch + int(self.span * 0.6)
        """When `left` deletes the account."""
        self.left = self.members[2]
        self._plans: dict[int, ThreadPlan] = {}
        self._views = lru_cache(maxsize=8)(lambda now: View(self, now))
        self._words = lru_cache(maxsize=4096)(self._make_words)
        self._story = lru_cache(maxsize=4096)(self._make_story)

    @property
    def settled(self) -> datetime:
        """The end of the first stretch: an instant at which all of `threads` have started."""
        return datetime.fromtimestamp(self.epoch + int(self.span), UTC)

    def at(self, instant: datetime) -> "View":
        """The forum as a guest sees it at that instant (aware; whole seconds count)."""
        return self._views(int(instant.timestamp()))

    def random(self, *place: int) -> Random:
        """Dice that fall the same way whenever this place of this world is looked at."""
        number = self.seed
        for part in place:
            number = (number * 1_000_003 + part + 0x9E3779B9) & 0xFFFFFFFFFFFFFFFF
        return Random(number)

    def start_of(self, index: int) -> float:
        """Earliest instant at which thread number `index` (from 0) may start; rises with `index`."""
        if index < self.threads:
            return self.epoch + self.span * index / self.threads
        return self.epoch + self.span + (index - self.threads) / self.per_day * DAY

    def started(self, now: int) -> int:
        """How many threads have started by `now`, deleted ones included."""
        elapsed = now - self.epoch
        if elapsed < 0:
            return 0
        if elapsed < self.span:
            guess = int(elapsed / self.span * self.threads)
        else:
            guess = self.threads + int((elapsed - self.span) / DAY * self.per_day)
        while guess > 0 and self.plan(guess - 1).created > now:
            guess -= 1
        while self.start_of(guess) <= now and self.plan(guess).created <= now:
            guess += 1
        return guess

    def plan(self, index: int) -> ThreadPlan:
        """Times, authors and fate of thread number `index` (from 0)."""
        plan = self._plans.get(index)
        if plan is None:
            created = int(self.start_of(index) + self.random(1, index).random() * 0.9 * self._step(index))
            plan = self._plans[index] = plan_thread(
                self.random(2, index), index, FIRST_THREAD + index, created, self.members, POSTS_A_THREAD
            )
        return plan

    def plan_of(self, thread_id: int) -> ThreadPlan | None:
        """The plan of a thread by id; None where the world can have no such thread."""
        index = thread_id - FIRST_THREAD
        return self.plan(index) if 0 <= index < REDIRECTS else None

    def _step(self, index: int) -> float:
        return self.span / self.threads if index < self.threads else DAY / self.per_day

    def story(self, plan: ThreadPlan) -> Story:
        """What the thread is about."""
        return self._story(plan.index)

    def _make_story(self, index: int) -> Story:
        return story(self.random(3, index), self.plan(index).first_board)

    def words(self, plan: ThreadPlan, post: PostPlan, edits: int) -> Body:
        """The post's own words after so many edits."""
        return self._words(plan.index, post.n, edits)

    def _make_words(self, index: int, n: int, edits: int) -> Body:
        plan, dice = self.plan(index), self.random(4, index, n)
        told = self.story(plan)
        if n == 0:
            body = opening(dice, told)
        else:
            mention = None
            if dice.random() < 0.04 and plan.posts[0].author.user_id:
                mention = (plan.posts[0].author.user_id, plan.posts[0].author.name)
            body = reply(dice, told, mention=mention)
        for edit in range(edits):
            body = edited(self.random(5, index, n, edit), body)
        return body

    def body(self, plan: ThreadPlan, post: PostPlan, edits: int) -> Body:
        """The whole post: what it quotes, and its own words."""
        words = self.words(plan, post, edits)
        if post.quotes is None:
            return words
        return (self._quote(plan, post, post.quotes, nest=post.nested), *words)

    def _quote(self, plan: ThreadPlan, post: PostPlan, n: int, *, nest: bool) -> Quoted:
        quoted = plan.posts[n]
        blocks = own_words(self.words(plan, quoted, bisect_right(quoted.edits, post.at)))
        if post.partial:
            blocks = excerpt(blocks)
        if nest and quoted.quotes is not None:
            blocks = (self._quote(plan, quoted, quoted.quotes, nest=False), *blocks)
        author = self.shown(quoted.author, post.at)
        return Quoted(blocks, author.name, author.user_id, str(quoted.post_id))

    def shown(self, member: Member, now: int) -> Member:
        """The member as the forum names him at `now`: one has left, and is a nameless guest since."""
        if member is self.left and now >= self.left_at:
            return Member(0, f"Deleted member {member.user_id}", "Guest", 0, None)
        return member


class ThreadView:
    """One thread at one instant."""

    __slots__ = ("day", "now", "plan", "state", "world")

    def __init__(self, world: World, plan: ThreadPlan, now: int) -> None:
        self.world, self.plan, self.now = world, plan, now
        self.day = int(now + SITE_OFFSET.total_seconds()) // DAY
        """Number of the forum's day: what only changes at midnight hangs on it."""
        self.state = (bisect_right(plan.changes, now), now >= world.left_at)
        """Changes whenever anything changes but what hangs on the day."""

    @property
    def thread_id(self) -> int:
        """Its number in addresses."""
        return self.plan.thread_id

    @property
    def exists(self) -> bool:
        """Whether guests find it."""
        gone = self.plan.deleted_at
        return self.plan.created <= self.now and (gone is None or gone > self.now)

    @property
    def count(self) -> int:
        """Posts that guests see, the opening one included."""
        hidden = sum(at <= self.now for at in self.plan.deletions)
        return bisect_right(self.plan.times, self.now) - hidden

    def posts(self) -> list[PostPlan]:
        """The posts that guests see, in order: the one at place `i` has position `i + 1`."""
        now = self.now
        return [
            post for post in self.plan.posts if post.at <= now and (post.deleted_at is None or post.deleted_at > now)
        ]

    @property
    def last(self) -> PostPlan:
        """The newest visible post."""
        n = bisect_right(self.plan.times, self.now) - 1
        posts = self.plan.posts
        while n > 0 and (gone := posts[n].deleted_at) is not None and gone <= self.now:
            n -= 1
        return posts[n]

    @property
    def title(self) -> str:
        """Without prefix; some are renamed once."""
        title = self.world.story(self.plan).title
        return f"{title} [summary inside]" if self._past(self.plan.renamed_at) else title

    @property
    def board_id(self) -> int:
        """Where it stands now."""
        return self.plan.second_board if self._past(self.plan.moved_at) else self.plan.first_board

    @property
    def is_locked(self) -> bool:
        """Whether it takes no more replies."""
        return self._past(self.plan.locked_at)

    @property
    def solution(self) -> PostPlan | None:
        """The post marked as the answer, while it is visible."""
        plan = self.plan
        if plan.solution is None or not self._past(plan.solved_at):
            return None
        post = plan.posts[plan.solution]
        return None if self._past(post.deleted_at) else post

    @property
    def views(self) -> int:
        """Views up to last midnight."""
        age = max(0.0, (self.day * DAY - self.plan.created) / DAY) + 0.2
        return int(self.plan.popularity * (9 + 14 * age**0.7))

    def votes(self) -> tuple[int, ...]:
        """Votes for each answer of the poll up to last midnight."""
        age = max(0.0, (self.day * DAY - self.plan.created) / DAY)
        return tuple(int(weight * (1 - 0.9**age)) for weight in self.plan.poll)

    def author(self, post: PostPlan) -> Member:
        """Who wrote it, as now named."""
        return self.world.shown(post.author, self.now)

    def edits(self, post: PostPlan) -> int:
        """How often it has been edited."""
        return bisect_right(post.edits, self.now)

    def reactions(self, post: PostPlan) -> int:
        """How many members have reacted."""
        return bisect_right(post.reactions, self.now)

    def body(self, post: PostPlan) -> Body:
        """What it says now, quotes included."""
        return self.world.body(self.plan, post, self.edits(post))

    def changed_at(self) -> int:
        """When anything on its pages last changed."""
        past = bisect_right(self.plan.changes, self.now)
        midnight = self.day * DAY - int(SITE_OFFSET.total_seconds())
        return max(self.plan.changes[past - 1] if past else 0, midnight)

    def _past(self, instant: int | None) -> bool:
        return instant is not None and instant <= self.now


class View:
    """The whole forum at one instant, as a guest sees it."""

    def __init__(self, world: World, now: int) -> None:
        self.world, self.now = world, now
        self._boards: dict[int, list[ThreadView]] | None = None
        self._stamps: dict[int, int] = {}

    @property
    def instant(self) -> datetime:
        """The instant (UTC)."""
        return datetime.fromtimestamp(self.now, UTC)

    def thread(self, thread_id: int) -> ThreadView | None:
        """A thread that is visible now (in whatever board), else None."""
        plan = self.world.plan_of(thread_id) if self._may_exist(thread_id) else None
        view = ThreadView(self.world, plan, self.now) if plan else None
        return view if view and view.exists else None

    def _may_exist(self, thread_id: int) -> bool:
        index = thread_id - FIRST_THREAD
        return 0 <= index < REDIRECTS and self.world.start_of(index) <= self.now

    def threads(self) -> Iterator[ThreadView]:
        """All threads, those of the members' board too."""
        for rows in self._by_board().values():
            yield from rows

    def board(self, board_id: int) -> list[ThreadView]:
        """The board's threads, the one with the newest post first (no redirects)."""
        return self._by_board().get(board_id, [])

    def redirects(self, board_id: int) -> list[ThreadView]:
        """Threads that were moved out of this board not long ago."""
        return [
            thread
            for thread in self.threads()
            if (moved := thread.plan.moved_at) is not None
            and moved <= self.now < moved + MOVED_SHOWN
            and thread.plan.first_board == board_id
        ]

    def _by_board(self) -> dict[int, list[ThreadView]]:
        if self._boards is None:
            boards: dict[int, list[ThreadView]] = {board.board_id: [] for board in BOARDS}
            world = self.world
            for index in range(world.started(self.now)):
                thread = ThreadView(world, world.plan(index), self.now)
                if thread.exists:
                    boards[thread.board_id].append(thread)
            for rows in boards.values():
                rows.sort(key=lambda thread: (thread.last.at, thread.thread_id), reverse=True)
            self._boards = boards
        return self._boards

    def stamp(self, board_id: int) -> int:
        """A number that changes whenever anything in the board's list changes, but what hangs on the day."""
        if board_id not in self._stamps:
            rows = [*self.board(board_id), *self.redirects(board_id)]
            self._stamps[board_id] = hash(tuple((row.thread_id, row.board_id, row.state) for row in rows))
        return self._stamps[board_id]

    def counts(self, board: BoardPlan) -> tuple[int, int]:
        """Threads and posts of a board."""
        rows = self.board(board.board_id)
        return len(rows), sum(thread.count for thread in rows)
