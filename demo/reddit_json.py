"""The JSON shapes of Reddit's API for the demo: t1, t3, t5, more, Listing."""

import heapq
from collections.abc import Iterable
from typing import Any

from demo.body import markdown_html, to_markdown
from demo.reddit_world import SUBREDDITS, CommentPlan, SubmissionView, Subreddit, user_number
from demo.shell import slug

Thing = dict[str, Any]
POLL_ANSWERS = ("Always", "Sometimes", "Never")
_ALIKE_T3: Thing = {
    "approved_at_utc": None,
    "saved": False,
    "gilded": 0,
    "clicked": False,
    "link_flair_richtext": [],
    "hidden": False,
    "downs": 0,
    "hide_score": False,
    "quarantine": False,
    "link_flair_text_color": "dark",
    "upvote_ratio": 0.93,
    "subreddit_type": "public",
    "is_original_content": False,
    "is_reddit_media_domain": False,
    "category": None,
    "gildings": {},
    "link_flair_type": "text",
    "author_flair_type": "text",
    "likes": None,
    "suggested_sort": None,
    "view_count": None,
    "archived": False,
    "no_follow": False,
    "pinned": False,
    "over_18": False,
    "all_awardings": [],
    "media_only": False,
    "spoiler": False,
    "author_flair_text": None,
    "visited": False,
    "removed_by": None,
    "num_reports": None,
    "distinguished": None,
    "removal_reason": None,
    "discussion_type": None,
    "send_replies": True,
    "contest_mode": False,
    "subreddit_subscribers": 4321,
    "num_crossposts": 0,
    "media": None,
    "is_video": False,
}
"""What is the same in every submission of the demo."""
_ALIKE_T1: Thing = {
    "approved_at_utc": None,
    "author_is_blocked": False,
    "comment_type": None,
    "awarders": [],
    "mod_reason_by": None,
    "banned_by": None,
    "author_flair_type": "text",
    "total_awards_received": 0,
    "likes": None,
    "user_reports": [],
    "saved": False,
    "banned_at_utc": None,
    "gilded": 0,
    "archived": False,
    "no_follow": True,
    "can_mod_post": False,
    "send_replies": True,
    "removal_reason": None,
    "approved_by": None,
    "top_awarded_type": None,
    "downs": 0,
    "author_flair_css_class": None,
    "author_flair_richtext": [],
    "gildings": {},
    "collapsed_reason": None,
    "distinguished": None,
    "associated_award": None,
    "stickied": False,
    "author_premium": False,
    "can_gild": False,
    "unrepliable_reason": None,
    "author_flair_text_color": None,
    "score_hidden": False,
    "subreddit_type": "public",
    "report_reasons": None,
    "author_flair_text": None,
    "treatment_tags": [],
    "controversiality": 0,
    "author_flair_background_color": None,
    "collapsed_because_crowd_control": None,
    "mod_reports": [],
    "num_reports": None,
}
"""What is the same in every comment of the demo."""
DEEPEST = 10
"""Levels of a tree that one answer holds; below it "continue this thread" stands."""


def listing(children: list[Thing], after: str | None = None, before: str | None = None) -> Thing:
    """A Listing of things."""
    return {
        "kind": "Listing",
        "data": {
            "after": after,
            "dist": len(children),
            "modhash": None,
            "geo_filter": "",
            "children": children,
            "before": before,
        },
    }


def permalink(view: SubmissionView) -> str:
    """Address of a submission on the site, without host."""
    words = slug(view.title).replace("-", "_")[:50].strip("_")
    return f"/r/{view.subreddit.name}/comments/{view.plan.submission_id}/{words}/"


def subreddit_thing(subreddit: Subreddit, epoch: int) -> Thing:
    """t5."""
    return {
        "kind": "t5",
        "data": {
            "id": subreddit.number,
            "name": f"t5_{subreddit.number}",
            "display_name": subreddit.name,
            "display_name_prefixed": f"r/{subreddit.name}",
            "title": subreddit.title,
            "public_description": subreddit.description,
            "description": subreddit.description,
            "subscribers": 4321,
            "subreddit_type": "public",
            "over18": False,
            "quarantine": False,
            "lang": "en",
            "url": f"/r/{subreddit.name}/",
            "created_utc": float(epoch - 10_000_000),
            "created": float(epoch - 10_000_000),
        },
    }


def submission_thing(view: SubmissionView) -> Thing:
    """t3, with placeholders where it is gone, `crosspost_parent_list` and `poll_data` where it has them."""
    plan, subreddit = view.plan, view.subreddit
    score = view.score(plan.score, plan.at, -1)
    path, body = permalink(view), view.body()
    address = f"https://www.reddit.com{path}"
    gone = view.is_gone
    text, html = to_markdown(body), f"<!-- SC_OFF -->{markdown_html(body)}<!-- SC_ON -->" if body else None
    if gone:
        text, html = ("[removed]" if plan.by_moderator else "[deleted]"), None
    author = "[deleted]" if gone and not plan.by_moderator else plan.author
    data: Thing = {
        **_ALIKE_T3,
        "subreddit": subreddit.name,
        "selftext": text,
        "author_fullname": f"t2_{user_number(plan.author)}",
        "title": view.title,
        "subreddit_name_prefixed": f"r/{subreddit.name}",
        "name": f"t3_{plan.submission_id}",
        "ups": score,
        "domain": "journals.example.org" if plan.is_link else f"self.{subreddit.name}",
        "link_flair_text": plan.flair,
        "score": score,
        "thumbnail": "default" if plan.is_link else "self",
        "edited": float(plan.edited_at) if view.is_edited and plan.edited_at and not gone else False,
        "is_self": not plan.is_link and plan.crosspost_of is None,
        "created": float(plan.at),
        "removed_by_category": ("moderator" if plan.by_moderator else "deleted") if gone else None,
        "selftext_html": html,
        "is_crosspostable": not gone,
        "locked": view.is_locked,
        "subreddit_id": f"t5_{subreddit.number}",
        "id": plan.submission_id,
        "is_robot_indexable": not gone,
        "author": author,
        "num_comments": len(view.comments()),
        "permalink": path,
        "stickied": plan.is_sticky,
        "url": view.link_url or address,
        "created_utc": float(plan.at),
    }
    if author == "[deleted]":
        del data["author_fullname"]
    if plan.poll:
        data["poll_data"] = _poll_data(view)
    if view.origin:
        shared = submission_thing(view.origin)["data"]
        data["crosspost_parent"], data["crosspost_parent_list"] = shared["name"], [shared]
        data["url"] = f"https://www.reddit.com{shared['permalink']}"
    return {"kind": "t3", "data": data}


def _poll_data(view: SubmissionView) -> Thing:
    plan, votes = view.plan, view.votes()
    return {
        "prediction_status": None,
        "total_stake_amount": None,
        "voting_end_timestamp": (plan.at + 3 * 86_400) * 1000,
        "options": [
            {"text": answer, "vote_count": count, "id": str(plan.index * 10 + place)}
            for place, (answer, count) in enumerate(zip(POLL_ANSWERS, votes, strict=True))
        ],
        "user_selection": None,
        "total_vote_count": sum(votes),
    }


def comment_thing(
    view: SubmissionView, plan: CommentPlan, replies: "Thing | str" = "", depth: int | None = None
) -> Thing:
    """t1; `[deleted]` or `[removed]` where it is gone."""
    gone = view.gone(plan)
    body = view.comment_body(plan)
    text, html, author = to_markdown(body), markdown_html(body), plan.author
    if gone:
        text, author = ("[removed]" if plan.by_moderator else "[deleted]"), "[deleted]"
        html = f'<div class="md"><p>{text}</p>\n</div>'
    score = view.score(plan.score, plan.at, plan.n)
    above = f"t3_{view.plan.submission_id}"
    if plan.parent is not None:
        above = f"t1_{view.plan.comments[plan.parent].comment_id}"
    data: Thing = {
        **_ALIKE_T1,
        "subreddit_id": f"t5_{view.subreddit.number}",
        "subreddit": view.subreddit.name,
        "replies": replies,
        "id": plan.comment_id,
        "author": author,
        "parent_id": above,
        "score": score,
        "author_fullname": f"t2_{user_number(plan.author)}",
        "body": text,
        "edited": float(plan.edited_at) if plan.edited_at and view.comment_edited(plan) and not gone else False,
        "name": f"t1_{plan.comment_id}",
        "is_submitter": plan.author == view.plan.author and not gone,
        "collapsed": gone,
        "body_html": html,
        "link_id": f"t3_{view.plan.submission_id}",
        "permalink": f"{permalink(view)}{plan.comment_id}/",
        "locked": view.is_locked,
        "created": float(plan.at),
        "created_utc": float(plan.at),
        "subreddit_name_prefixed": f"r/{view.subreddit.name}",
        "depth": plan.depth if depth is None else depth,
        "ups": score,
    }
    if gone:
        del data["author_fullname"]
    return {"kind": "t1", "data": data}


class Tree:
    """The comments of a submission that a reader sees, as Reddit hands them out: the best first, up to a limit."""

    def __init__(self, view: SubmissionView, sort: str = "confidence") -> None:
        self.view = view
        self.plans = view.comments()
        self.below: dict[int | None, list[CommentPlan]] = {}
        for plan in self.plans.values():
            self.below.setdefault(plan.parent, []).append(plan)
        for plans in self.below.values():
            plans.sort(key=lambda plan: self._rank(plan, sort))

    @staticmethod
    def _rank(plan: CommentPlan, sort: str) -> tuple[int, int]:
        first = {"new": -plan.at, "old": plan.at, "qa": plan.at}.get(sort, -plan.score)
        return first, plan.n

    def size(self, plan: CommentPlan) -> int:
        """The comment and all below it."""
        return 1 + sum(self.size(below) for below in self.below.get(plan.n, []))

    def chosen(self, roots: Iterable[CommentPlan], limit: int, sort: str = "confidence") -> set[int]:
        """Numbers of up to `limit` comments: a comment's answers compete once it is taken itself."""
        waiting = [(self._rank(plan, sort), plan.n) for plan in roots]
        heapq.heapify(waiting)
        taken: set[int] = set()
        while waiting and len(taken) < limit:
            _, n = heapq.heappop(waiting)
            taken.add(n)
            for plan in self.below.get(n, []):
                heapq.heappush(waiting, (self._rank(plan, sort), plan.n))
        return taken

    def nested(self, plans: list[CommentPlan], taken: set[int], depth: int, deepest: int, parent: str) -> list[Thing]:
        """The things of one level, each with its replies in it; what is not `taken` becomes `more`."""
        if depth >= deepest and plans:
            return [more(parent, [], 0, depth)]
        things = []
        for plan in plans:
            if plan.n in taken:
                below = self.nested(
                    self.below.get(plan.n, []), taken, depth + 1, deepest, f"t1_{plan.comment_id}"
                )  # fmt: skip
                things.append(comment_thing(self.view, plan, listing(below) if below else "", depth))
        missing = [plan for plan in plans if plan.n not in taken]
        if missing:
            things.append(more(parent, missing, sum(self.size(plan) for plan in missing), depth))
        return things

    def flat(self, plans: list[CommentPlan], taken: set[int], deepest: int) -> list[Thing]:
        """The same in a row, as morechildren answers: a comment, then those below it."""
        things = []
        for plan in plans:
            if plan.n not in taken:
                continue
            things.append(comment_thing(self.view, plan))
            below = self.below.get(plan.n, [])
            name = f"t1_{plan.comment_id}"
            if plan.depth + 1 >= deepest and below:
                things.append(more(name, [], 0, plan.depth + 1))
                continue
            things.extend(self.flat(below, taken, deepest))
            missing = [one for one in below if one.n not in taken]
            if missing:
                things.append(more(name, missing, sum(self.size(one) for one in missing), plan.depth + 1))
        return things


def more(parent: str, missing: list[CommentPlan], count: int, depth: int) -> Thing:
    """A stub for comments that are not here; without `missing` it is "continue this thread"."""
    ids = [plan.comment_id for plan in missing]
    first = ids[0] if ids else "_"
    return {
        "kind": "more",
        "data": {
            "count": count,
            "name": f"t1_{first}",
            "id": first,
            "parent_id": parent,
            "depth": depth,
            "children": ids,
        },
    }


def subreddit_named(name: str) -> Subreddit | None:
    """A subreddit by name, in whatever case."""
    return next((one for one in SUBREDDITS if one.name.lower() == name.lower()), None)
