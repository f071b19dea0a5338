"""Everything on the demo's Reddit-like site as a correct crawl records it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from crawler.records import Board, Poll, PollOption, Post, Quote, Status, Thread
from demo.body import Body, Quoted, links_of, own_words, to_markdown
from demo.reddit_json import POLL_ANSWERS, permalink
from demo.reddit_world import SUBREDDITS, RedditView, SubmissionView, user_number
from demo.truth import Truth

SITE = "demoreddit"
HOST = "https://www.reddit.com"


def reddit_truth(view: RedditView, site: str = SITE) -> Truth:
    """All submissions that listings show, with their comments; `gone` are ids of those that were taken away."""
    truth = Truth(now=view.instant, boards=[], threads=[], posts=[], redirects=[], gone=[])
    for subreddit in SUBREDDITS:
        truth.boards.append(
            Board(
                site=site,
                board_id=subreddit.name,
                title=subreddit.title,
                description=subreddit.description,
                url=f"{HOST}/r/{subreddit.name}/",
            )
        )
        for plan in view.newest(subreddit):
            submission = SubmissionView(view.world, plan, view.now)
            truth.threads.append(submission_record(submission, site))
            truth.posts.extend(submission_posts(submission, site))
    for index in range(view.world.started(view.now)):
        plan = view.world.plan(index)
        if plan.gone_at is not None and plan.gone_at <= view.now:
            truth.gone.append(plan.submission_id)
    return truth


def _instant(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def submission_record(view: SubmissionView, site: str = SITE) -> Thread:
    """The submission as a thread, gone ones too."""
    plan, poll = view.plan, None
    if plan.poll:
        votes = view.votes()
        options = [PollOption(text=text, votes=count) for text, count in zip(POLL_ANSWERS, votes, strict=True)]
        poll = Poll(options=options, voters=sum(votes))
    return Thread(
        site=site,
        thread_id=plan.submission_id,
        title=view.title,
        author=_author(view),
        author_id=_author_id(_author(view)),
        board_id=view.subreddit.name,
        created_at=_instant(plan.at),
        reply_count=len(view.comments()),
        score=view.score(plan.score, plan.at, -1),
        prefix=plan.flair,
        is_sticky=plan.is_sticky,
        is_locked=view.is_locked,
        thread_type="poll" if plan.poll else "link" if plan.is_link or view.origin else "discussion",
        poll=poll,
        crosspost_of=view.origin.plan.submission_id if view.origin else None,
        status=_status(gone=view.is_gone, by_moderator=plan.by_moderator),
        url=HOST + permalink(view),
    )


def submission_posts(view: SubmissionView, site: str = SITE) -> Iterator[Post]:
    """The opening post, then the comments in the order of writing."""
    plan = view.plan
    body = () if view.is_gone else view.body()
    shared = HOST + permalink(view.origin) if view.origin else view.link_url
    linked = [shared] if shared and not view.is_gone else []
    yield Post(
        site=site,
        thread_id=plan.submission_id,
        post_id=plan.submission_id,
        position=1,
        author=_author(view),
        author_id=_author_id(_author(view)),
        created_at=_instant(plan.at),
        edited_at=_instant(plan.edited_at) if view.is_edited and not view.is_gone else None,
        edited=view.is_edited and not view.is_gone,
        body_text=_text(body),
        quotes=_quotes(body),
        score=view.score(plan.score, plan.at, -1),
        links=[*linked, *links_of(body)],
        is_opening=True,
        status=_status(gone=view.is_gone, by_moderator=plan.by_moderator),
        url=HOST + permalink(view),
    )
    for comment in view.comments().values():
        gone, changed = view.gone(comment), view.comment_edited(comment)
        words = () if gone else view.comment_body(comment)
        above = plan.submission_id if comment.parent is None else plan.comments[comment.parent].comment_id
        yield Post(
            site=site,
            thread_id=plan.submission_id,
            post_id=comment.comment_id,
            parent_id=above,
            author="[deleted]" if gone else comment.author,
            author_id=None if gone else user_number(comment.author),
            created_at=_instant(comment.at),
            edited_at=_instant(comment.edited_at) if changed and not gone else None,
            edited=changed and not gone,
            body_text=_text(words),
            quotes=_quotes(words),
            score=view.score(comment.score, comment.at, comment.n),
            links=links_of(words),
            status=_status(gone=gone, by_moderator=comment.by_moderator),
            url=f"{HOST}{permalink(view)}{comment.comment_id}/",
        )


def _author(view: SubmissionView) -> str:
    return "[deleted]" if view.is_gone and not view.plan.by_moderator else view.plan.author


def _text(body: Body) -> str:
    """Own words as Markdown; the two blanks that make a line break are no part of what is said."""
    return to_markdown(own_words(body)).replace("  \n", "\n")


def _quotes(body: Body) -> list[Quote]:
    quoted = [block for block in body if isinstance(block, Quoted)]
    return [Quote(post_id=block.post_id, text=_text(block.blocks)) for block in quoted]


def _author_id(name: str) -> str | None:
    return None if name == "[deleted]" else user_number(name)


def _status(*, gone: bool, by_moderator: bool) -> Status:
    if not gone:
        return Status.VISIBLE
    return Status.REMOVED if by_moderator else Status.DELETED
