"""What will become of each thread of the demo forum: who writes when, what is edited, deleted, moved, locked."""

from random import Random

from msgspec import Struct

from demo.prose import pick
from demo.vocabulary import NAME_ENDS, NAME_STEMS, SIGNATURES, USER_TITLES

DAY = 86_400
MOVED_SHOWN = 60 * DAY
"""How long the old board shows where a thread went."""
LARGEST = 600
LONG = 15
"""Number of a thread that is long in every world."""


class BoardPlan(Struct, frozen=True):
    """A board: `parent` is the board that it stands under, if it is a sub-board."""

    board_id: int
    title: str
    description: str
    category: int
    parent: int | None = None
    members_only: bool = False


class Category(Struct, frozen=True):
    """A heading of the index."""

    category_id: int
    title: str


CATEGORIES = (Category(1, "Specialties"), Category(2, "Training & career"), Category(3, "Community"))
BOARDS = (
    BoardPlan(11, "Interventional Cardiology", "Access, lesions, devices & judgment in the cath lab.", 1),
    BoardPlan(15, "Structural Heart", "Valves, closures and the heart team.", 1, parent=11),
    BoardPlan(12, "Interventional Radiology", "Embolization, drainage, clinics. Techniques, no patient details.", 1),
    BoardPlan(13, "Critical Care", "Ventilation, shock, response teams.", 1),
    BoardPlan(14, "Hospital Medicine", "Consults, pathways and everything on the ward.", 1),
    BoardPlan(21, "Fellowship Applications", "Interviews, letters, rank lists.", 2),
    BoardPlan(22, "Residency & First Jobs", "Rotations, contracts, call.", 2),
    BoardPlan(31, "Journal Club", "New trials & old ones, read together.", 3),
    BoardPlan(32, "Members' Lounge", "For members after verification.", 3, members_only=True),
)
BOARD_BY_ID = {board.board_id: board for board in BOARDS}
_WEIGHTED = (11, 11, 11, 12, 12, 12, 15, 15, 13, 13, 14, 14, 14, 21, 21, 22, 22, 22, 31, 31, 32)
PREFIXES = ((4, "Question", "label--accent"), (5, "Technique", "label--primary"), (6, "Guideline", "label--green"))
"""Id, words, class of each label."""
FILES = ("protocol-v2.pdf", "checklist.pdf", "case-numbers.csv", "room-layout.png", "reading list.txt")


class Member(Struct, frozen=True):
    """Somebody who writes; `user_id` 0 is a guest."""

    user_id: int
    name: str
    title: str
    joined: int
    signature: str | None


class PostPlan(Struct, frozen=True):
    """One post: `n` counts from 0 in the order of writing, deleted ones included. Instants are epoch seconds."""

    n: int
    post_id: int
    at: int
    author: Member
    edits: tuple[int, ...]
    deleted_at: int | None
    reactions: tuple[int, ...]
    quotes: int | None
    partial: bool
    nested: bool
    files: tuple[str, ...]


class ThreadPlan(Struct, frozen=True):
    """One thread; `changes` are the instants at which anything of it changes, in order."""

    index: int
    thread_id: int
    created: int
    posts: tuple[PostPlan, ...]
    times: tuple[int, ...]
    deletions: tuple[int, ...]
    changes: tuple[int, ...]
    first_board: int
    second_board: int
    moved_at: int | None
    renamed_at: int | None
    locked_at: int | None
    deleted_at: int | None
    is_sticky: bool
    is_question: bool
    solution: int | None
    solved_at: int | None
    prefix: int | None
    tags: int
    poll: tuple[int, ...]
    popularity: float


def make_members(seed: int, epoch: int) -> tuple[Member, ...]:
    """The forum's members; the first ones write most."""
    rng = Random(seed * 31 + 5)
    names = [stem + end for stem in NAME_STEMS for end in NAME_ENDS]
    rng.shuffle(names)
    members = []
    for place, name in enumerate(names[:240]):
        signature = pick(rng, SIGNATURES) if rng.random() < 0.15 else None
        joined = epoch - int(rng.random() * 3000 * DAY) - DAY
        members.append(Member(401 + 3 * place, name, pick(rng, USER_TITLES), joined, signature))
    return tuple(members)


def _writer(rng: Random, members: tuple[Member, ...]) -> Member:
    if rng.random() < 0.02:
        return Member(0, f"{pick(rng, NAME_STEMS).capitalize()} (guest)", "Guest", 0, None)
    return members[int(len(members) * rng.random() ** 2.2)]


def _gap(rng: Random) -> float:
    """Seconds until the next reply: bursts of minutes, a day, and now and then a late reply after weeks or months."""
    kind = rng.random()
    mean = 2400.0 if kind < 0.55 else 0.5 * DAY if kind < 0.85 else 5 * DAY if kind < 0.97 else 80 * DAY
    return 40 + rng.expovariate(1 / mean)


def _replies(rng: Random, index: int) -> int:
    if index == LONG:
        return 130
    if rng.random() < 0.06:
        return 0
    return min(LARGEST, int(2.6 * rng.paretovariate(1.15)) - 1)


def _reactions(rng: Random, at: int, weight: float) -> tuple[int, ...]:
    if rng.random() > 0.4 * weight:
        return ()
    count = min(40, int(rng.paretovariate(1.3)))
    return tuple(sorted(at + 30 + int(rng.expovariate(1 / (1.5 * DAY))) for _ in range(count)))


def _quote(rng: Random, n: int, gone: dict[int, int], at: int) -> int | None:
    """Number of the post that post `n` quotes; never one that was deleted by then."""
    if n == 0 or rng.random() > 0.3:
        return None
    quoted = 0 if rng.random() < 0.35 else max(0, n - 1 - int(rng.expovariate(0.6)))
    return None if gone.get(quoted, at) < at else quoted


def _posts(
    rng: Random, thread_id: int, times: list[int], opener: Member, members: tuple[Member, ...], numbers: int
) -> tuple[PostPlan, ...]:
    posts: list[PostPlan] = []
    gone: dict[int, int] = {}
    for n, at in enumerate(times):
        author = opener if n == 0 or rng.random() < 0.15 else _writer(rng, members)
        edits: tuple[int, ...] = ()
        if author.user_id and rng.random() < 0.024:
            first = at + 300 + int(rng.expovariate(1 / (0.6 * DAY)))
            edits = (first, first + 900 + int(rng.random() * 3 * DAY)) if rng.random() < 0.15 else (first,)
        if n and rng.random() < 0.006:
            gone[n] = at + 1800 + int(rng.expovariate(1 / (3 * DAY)))
        quotes = _quote(rng, n, gone, at)
        files = (pick(rng, FILES),) if rng.random() < 0.04 else ()
        posts.append(
            PostPlan(
                n=n,
                post_id=thread_id * numbers + n + 1,
                at=at,
                author=author,
                edits=edits,
                deleted_at=gone.get(n),
                reactions=_reactions(rng, at, 1.6 if n == 0 else 1.0),
                quotes=quotes,
                partial=rng.random() < 0.5,
                nested=rng.random() < 0.25,
                files=files,
            )
        )
    return tuple(posts)


def _boards(rng: Random, index: int) -> tuple[int, int]:
    """First board, and the one that it may be moved to."""
    first = BOARDS[index].board_id if index < len(BOARDS) else 11 if index == LONG else pick(rng, _WEIGHTED)
    second = pick(rng, tuple(number for number in _WEIGHTED if number not in (first, 32)))
    return first, second


def plan_thread(
    rng: Random, index: int, thread_id: int, created: int, members: tuple[Member, ...], numbers: int
) -> ThreadPlan:
    """The plan of thread number `index`; `numbers` post ids are its own."""
    first, second = _boards(rng, index)
    sticky = index < len(BOARDS)
    times = [created]
    for _ in range(_replies(rng, index)):
        times.append(times[-1] + int(_gap(rng)))
    locked_at = None
    if not sticky and index % 19 == 11:
        locked_at = times[min(len(times) - 1, 12)] + 3600
        times = [at for at in times if at < locked_at]
    posts = _posts(rng, thread_id, times, _writer(rng, members), members, numbers)
    question = not sticky and index % 10 == 3
    kept = [post for post in posts[1:] if post.deleted_at is None]
    solution = pick(rng, tuple(kept[:6])) if question and index % 20 == 3 and kept else None
    moved_at = created + int((1 + 9 * rng.random()) * DAY) if not sticky and index % 23 == 9 and first != 32 else None
    renamed_at = created + int((1 + 5 * rng.random()) * DAY) if index % 31 == 14 else None
    deleted_at = created + int((1 + 12 * rng.random()) * DAY) if not sticky and index % 60 == 20 else None
    poll = tuple(int(5 + 60 * rng.random()) for _ in range(3 + index % 2)) if index % 25 == 7 else ()
    solved_at = solution.at + 7200 if solution else None
    changes = sorted(
        [*times, *(at for post in posts for at in (*post.edits, *post.reactions)),
         *(post.deleted_at for post in posts if post.deleted_at is not None),
         *(at for at in (locked_at, moved_at, renamed_at, deleted_at, solved_at) if at is not None)]
    )  # fmt: skip
    return ThreadPlan(
        index=index,
        thread_id=thread_id,
        created=created,
        posts=posts,
        times=tuple(times),
        deletions=tuple(post.deleted_at for post in posts if post.deleted_at is not None),
        changes=tuple(changes),
        first_board=first,
        second_board=second,
        moved_at=moved_at,
        renamed_at=renamed_at,
        locked_at=locked_at,
        deleted_at=deleted_at,
        is_sticky=sticky,
        is_question=question,
        solution=solution.n if solution else None,
        solved_at=solved_at,
        prefix=4 if question else pick(rng, (None, None, 5, 6)),
        tags=0 if rng.random() < 0.4 else 1 + int(rng.random() * 3),
        poll=poll,
        popularity=min(400.0, rng.paretovariate(1.1)),
    )
