"""A thread of the demo forum in XenForo 2.3 markup: posts, quotes, reactions, edits, poll, solution, attachments."""

from html import escape

from demo.body import to_html, to_text
from demo.listing import last_page, prefix_of, row, thread_url, trail
from demo.plan import BOARD_BY_ID, DAY, Member, PostPlan
from demo.shell import avatar, breadcrumbs, clock_words, document, link, page_nav, slug, time_tag, username
from demo.world import SITE_OFFSET, ThreadView

POSTS = 20
AD = "Members don't see this ad."
POLL_ANSWERS = ("Yes, routinely", "Only in selected cases", "No", "It depends on who is on call")


def page_of(position: int) -> int:
    """The page on which the post at this position (from 1) stands."""
    return (position - 1) // POSTS + 1


def tags_of(thread: ThreadView) -> tuple[str, ...]:
    """The thread's tags."""
    return thread.world.story(thread.plan).subject.tags[: thread.plan.tags]


def attachments_of(post: PostPlan) -> list[tuple[int, str, str]]:
    """Id, file name and root-relative address of each file of the post."""
    numbers = [(post.post_id * 10 + place, name) for place, name in enumerate(post.files)]
    return [(number, name, link("attachments", name, number)) for number, name in numbers]


def poll_of(thread: ThreadView) -> tuple[str, list[tuple[str, int]], int] | None:
    """Question, answers with votes, and number of voters of the thread's poll."""
    if not thread.plan.poll:
        return None
    votes = thread.votes()
    question = f"Is this routine where you work? ({thread.world.story(thread.plan).subject.tags[0]})"
    return question, list(zip(POLL_ANSWERS, votes, strict=False)), sum(votes)


def reaction_names(thread: ThreadView, post: PostPlan) -> list[str]:
    """Who is named in the reactions bar: the three newest."""
    members = thread.world.members
    count = thread.reactions(post)
    return [members[(post.post_id * 7 + place * 13) % len(members)].name for place in range(min(3, count))]


def _reactions(thread: ThreadView, post: PostPlan) -> str:
    count = thread.reactions(post)
    if not count:
        return '<div class="reactionsBar js-reactionsList ">\n\t</div>'
    names = [f"<bdi>{escape(name)}</bdi>" for name in reaction_names(thread, post)]
    if count == 1:
        who = names[0]
    elif count == 2:
        who = f"{names[0]} and {names[1]}"
    elif count == 3:
        who = f"{names[0]}, {names[1]} and {names[2]}"
    else:
        others = "1 other person" if count == 4 else f"{count - 3} others"
        who = f"{', '.join(names)} and {others}"
    kinds = ((1, "Like"), (2, "Love")) if count > 4 else ((1, "Like"),)
    icons = "".join(
        f'<li><span class="reaction reaction--small reaction--{number}" data-reaction-id="{number}">'
        f'<i aria-hidden="true"></i><img src="/styles/default/xenforo/reactions/{number}.png" loading="lazy" '
        f'width="32" height="32" class="reaction-sprite js-reaction" alt="{words}" title="{words}" /></span></li>'
        for number, words in kinds
    )
    return (
        f'<div class="reactionsBar js-reactionsList is-active">\n\t<ul class="reactionSummary">{icons}</ul>\n\t'
        f'<span class="u-srOnly">Reactions:</span>\n\t<a class="reactionsBar-link" '
        f'href="/posts/{post.post_id}/reactions" data-xf-click="overlay" data-cache="false" rel="nofollow">'
        f"{who}</a>\n\t</div>"
    )


def _files(post: PostPlan) -> str:
    files = attachments_of(post)
    if not files:
        return ""
    items = "".join(
        f'\n<li class="file file--linked">\n\t<a class="u-anchorTarget" id="attachment-{number}"></a>\n\t'
        f'<a class="file-preview" href="{url}" target="_blank"><span class="file-typeIcon">'
        '<i class="fa--xf far fa-file "></i></span></a>\n\t<div class="file-content"><div class="file-info">\n\t\t'
        f'<span class="file-name" title="{escape(name)}">{escape(name)}</span>\n\t\t<div class="file-meta">1.2 KB '
        '<span class="file-meta-separator">&middot;</span> Views: 19</div>\n\t</div></div>\n</li>'
        for number, name, url in files
    )
    return (
        '<section class="message-attachments">\n<h4 class="block-textHeader">Attachments</h4>\n'
        f'<ul class="attachmentList">{items}\n</ul>\n</section>'
    )


def _user(member: Member, base: str, *, opener: bool, author: bool) -> str:
    extras = ""
    if member.user_id:
        extras = (
            '<div class="message-userExtras">\n\t\t\t<dl class="pairs pairs--justified"><dt>Joined</dt><dd>'
            f'{clock_words(member.joined)[0]}</dd></dl>\n\t\t\t<dl class="pairs pairs--justified"><dt>Messages</dt><dd>'
            f"{member.user_id % 97 * 7 + 3}</dd></dl>\n\t\t</div>"
        )
    starter = '<div class="message-avatar-starter"></div>' if author and not opener else ""
    item = (
        f' itemprop="author" itemscope itemtype="https://schema.org/Person" itemid="{base}/members/{member.user_id}/"'
    )
    return f"""<section class="message-user"{"" if opener else item}>
\t\t<div class="message-avatar "><div class="message-avatar-wrapper">{avatar(member, "m")}{starter}</div></div>
\t\t<div class="message-userDetails">
\t\t\t<h4 class="message-name">{username(member, itemprop="" if opener else ' itemprop="name"')}</h4>
\t\t\t<h5 class="userTitle message-userTitle" dir="auto">{member.title}</h5>
\t\t</div>
\t\t{extras}
\t\t<span class="message-userArrow"></span>
\t</section>"""


def _header(thread: ThreadView, post: PostPlan, position: int, base: str) -> str:
    url = thread_url(thread, f"post-{post.post_id}")
    solved = ""
    if thread.solution is post:
        solved = '<li><span class="is-solution" data-xf-init="tooltip" title="Solution">Solution</span></li>'
    return f"""<header class="message-attribution message-attribution--split">
\t\t<ul class="message-attribution-main listInline ">
\t\t\t<li class="u-concealed"><a href="{url}" rel="nofollow" >{time_tag(post.at, thread.day)}</a></li>
\t\t\t{solved}
\t\t</ul>
\t\t<ul class="message-attribution-opposite message-attribution-opposite--list ">
\t\t\t<li><a href="{url}" class="message-attribution-gadget" data-xf-init="share-tooltip" \
data-href="/posts/{post.post_id}/share" aria-label="Share" rel="nofollow">\
<i class="fa--xf far fa-share-alt "></i></a></li>
\t\t\t<li class="u-hidden js-embedCopy"><a href="javascript:" data-xf-init="copy-to-clipboard" \
data-copy-text="&lt;div class=&quot;js-xf-embed&quot; data-url=&quot;{base}&quot; \
data-content=&quot;post-{post.post_id}&quot;&gt;&lt;/div&gt;"><i class="fa--xf far fa-code "></i></a></li>
\t\t\t<li><a href="{url}" rel="nofollow">
\t\t\t\t#{position}
\t\t\t</a></li>
\t\t</ul>
\t</header>"""


def _post(thread: ThreadView, post: PostPlan, position: int, base: str) -> str:
    writer, edits, opener = thread.author(post), thread.edits(post), post.n == 0
    solution = thread.solution is post
    edit = ""
    if edits:
        edit = (
            f'<div class="message-lastEdit">\n\t\tLast edited: {time_tag(post.edits[edits - 1], thread.day)}\n\t</div>'
        )
    signature = ""
    if writer.signature:
        signature = f'<aside class="message-signature"><div class="bbWrapper">{escape(writer.signature)}</div></aside>'
    ad = ""
    if position == 1:
        ad = f'<div class="samTextUnit" data-xf-init="sam-item" data-position="post_above_content_1"><i>{AD}</i></div>'
    answer = "Answer" if thread.plan.is_question else "Comment"
    item = "" if opener else (
        f'\n\titemscope itemtype="https://schema.org/{answer}" itemid="{base}/posts/{post.post_id}/"'
    )  # fmt: skip
    parent = "" if opener else f'<meta itemprop="parentItem" itemscope itemid="{base}{thread_url(thread)}" />'
    date, hour = clock_words(post.at)
    css = " message--solution" if solution else " message-threadStarterPost" if opener else ""
    return f"""
<article class="message message--post{css} js-post js-inlineModContainer  "
\tdata-author="{escape(writer.name)}"
\tdata-content="post-{post.post_id}"
\tid="js-post-{post.post_id}"{item}>
\t{parent}
\t<span class="u-anchorTarget" id="post-{post.post_id}"></span>
\t<div class="message-inner">
\t<div class="message-cell message-cell--user">
\t{_user(writer, base, opener=opener, author=writer is thread.author(thread.plan.posts[0]))}
\t</div>
\t<div class="message-cell message-cell--main">
\t<div class="message-main js-quickEditTarget">
\t{_header(thread, post, position, base)}
\t<div class="message-content js-messageContent">
\t{ad}
\t<div class="message-userContent lbContainer js-lbContainer " data-lb-id="post-{post.post_id}" \
data-lb-caption-desc="{escape(writer.name)} &middot; {date} at {hour}">
\t<article class="message-body js-selectToQuote">
\t<div{"" if opener else ' itemprop="text"'}>
\t<div class="bbWrapper">{to_html(thread.body(post))}</div>
\t</div>
\t<div class="js-selectToQuoteEnd">&nbsp;</div>
\t</article>
\t{_files(post)}
\t</div>
\t{edit}
\t{signature}
\t</div>
\t<footer class="message-footer">
\t{_reactions(thread, post)}
\t<div class="js-historyTarget message-historyTarget toggleTarget" data-href="trigger-href"></div>
\t</footer>
\t</div>
\t</div>
\t</div>
</article>"""


_AD_POST = f"""
<article class="message message--post message--ad">
\t<div class="message-inner"><div class="message-cell message-cell--user"><h4 class="message-name">
\t<span class="username">Advert</span></h4></div><div class="message-cell message-cell--main">
\t<div class="message-content"><div class="samCodeUnit"><div class="adContainer">{AD}</div></div></div></div></div>
</article>"""


def _poll(thread: ThreadView) -> str:
    poll = poll_of(thread)
    if poll is None:
        return ""
    question, answers, voters = poll
    items = "".join(
        f'\n<li><div class=""><div class="pollResult   ">\n\t<h3 class="pollResult-response">{escape(words)}</h3>\n\t'
        f'<span class="pollResult-votes"><span class="u-muted">Votes:</span> {votes}</span>\n\t'
        f'<span class="pollResult-percentage">{votes / voters * 100 if voters else 0:.1f}%</span>\n\t'
        '<span class="pollResult-graph" aria-hidden="true"><span class="pollResult-bar"></span></span>'
        "\n</div></div></li>"
        for words, votes in answers
    )
    return f"""<div class="block js-pollContainer-{thread.thread_id}" data-xf-init="poll-block">
<div class="block-container">
\t<h2 class="block-header"><i class="fa--xf far fa-chart-bar "></i> {escape(question)}</h2>
\t<div class="block-body"><ul class="listPlain">{items}
\t</ul>
\t<hr class="block-separator" />
\t<div class="block-row block-row--minor"><ul class="listInline listInline--bullet"><li>
\t\t<dl class="pairs pairs--inline"><dt>Total voters</dt><dd>{voters}</dd></dl></li></ul></div>
\t</div>
</div></div>"""


def _similar(thread: ThreadView) -> str:
    """Rows of other threads as they stood at midnight: XenForo keeps this block for a while."""
    world, dice = thread.world, thread.world.random(6, thread.plan.index)
    midnight = thread.day * DAY - int(SITE_OFFSET.total_seconds())
    chosen = {int(dice.random() * max(1, thread.plan.index)) for _ in range(5)} - {thread.plan.index}
    others = [ThreadView(world, world.plan(index), midnight) for index in sorted(chosen)]
    rows = [row(other, thread.day) for other in others if other.exists and not BOARD_BY_ID[other.board_id].members_only]
    if not rows:
        return ""
    return (
        '<div class="block" data-widget-id="6" data-widget-key="xfes_thread_view_below_quick_reply_similar_threads" '
        'data-widget-definition="xfes_similar_threads">\n<div class="block-container">\n<h3 class="block-header">'
        'Similar threads</h3>\n<div class="block-body"><div class="structItemContainer">'
        f"{''.join(rows)}\n</div></div>\n</div>\n</div>"
    )


def _solution(thread: ThreadView) -> str:
    post = thread.solution
    if post is None:
        return ""
    writer, url = thread.author(post), thread_url(thread, f"post-{post.post_id}")
    return f"""<div class="block" id="js-solutionHighlightBlock"><div class="block-container"><div class="block-body">
<article class="message message--simple">
\t<div class="message-inner js-solutionHeader">\
<div class="message-cell message-cell--solutionHeader">Solution</div></div>
\t<div class="message-inner"><div class="message-cell message-cell--main">
\t<header class="message-attribution message-attribution--plain"><ul class="listInline listInline--bullet">
\t\t<li class="message-attribution-user"><h4 class="attribution">{username(writer)}</h4></li>
\t\t<li><a href="{url}" class="u-concealed" data-xf-click="attribution" data-content-selector="#post-{post.post_id}" \
rel="nofollow">{time_tag(post.at, thread.day)}</a></li></ul></header>
\t<article class="message-body"><div class="bbWrapper">{to_html(thread.body(post))}</div></article>
\t</div></div>
</article>
</div></div></div>"""


def _description(thread: ThreadView) -> str:
    starter = thread.author(thread.plan.posts[0])
    tags = "".join(
        f'<a href="/tags/{slug(tag)}/" class="tagItem" dir="auto" data-xf-init="preview-tooltip">{tag}</a>\n'
        for tag in tags_of(thread)
    )
    tagged = "" if not tags else (
        '\n\t<li><i class="fa--xf far fa-tags "></i> <span class="u-srOnly">Tags</span>\n\t'
        f'<span class="js-tagList">{tags}</span></li>'
    )  # fmt: skip
    return f"""<div class="p-description">
\t<ul class="listInline listInline--bullet">
\t<li><i class="fa--xf far fa-user "></i> <span class="u-srOnly">Thread starter</span>
\t{username(starter, " u-concealed")}</li>
\t<li><i class="fa--xf far fa-clock "></i> <span class="u-srOnly">Start date</span>
\t<a href="{thread_url(thread)}" class="u-concealed">{time_tag(thread.plan.created, thread.day)}</a></li>{tagged}
\t</ul>
</div>"""


def _structured(thread: ThreadView, base: str) -> object:
    opening, url = thread.plan.posts[0], base + thread_url(thread)
    writer = thread.author(opening)
    return {
        "@context": "https://schema.org",
        "@type": "QAPage" if thread.plan.is_question else "WebPage",
        "url": url,
        "mainEntity": {
            "@type": "Question" if thread.plan.is_question else "DiscussionForumPosting",
            "@id": url,
            "headline": thread.title,
            "url": url,
            "articleSection": BOARD_BY_ID[thread.board_id].title,
            "author": {"@type": "Person", "name": writer.name},
            "interactionStatistic": [
                {
                    "@type": "InteractionCounter",
                    "interactionType": "https://schema.org/CommentAction",
                    "userInteractionCount": thread.count - 1,
                }
            ],
            "articleBody": to_text(thread.body(opening)),
        },
    }


def _posts_block(thread: ThreadView, posts: list[tuple[int, PostPlan]], base: str, nav: str, status: str) -> str:
    articles = [_post(thread, post, position, base) for position, post in posts]
    if posts and posts[0][0] == 1:
        articles.insert(1, _AD_POST)
    return f"""<div class="block block--messages" data-xf-init="" data-type="post" data-href="/inline-mod/" \
data-search-target="*">
\t<span class="u-anchorTarget" id="posts"></span>
\t<div class="block-outer"><div class="block-outer-main">{nav}</div></div>
\t<div class="block-outer js-threadStatusField">{status}</div>
\t<div class="block-container lbContainer" data-xf-init="lightbox select-to-quote" data-message-selector=".js-post" \
data-lb-id="thread-{thread.thread_id}" data-lb-universal="0">
\t<div class="block-body js-replyNewMessageContainer">{"".join(articles)}
\t</div>
\t</div>
\t<div class="block-outer block-outer--after"><div class="block-outer-main">{nav}</div></div>
</div>"""


def thread_page(thread: ThreadView, base: str, page: int) -> str | None:
    """One page of a thread; None where it has no such page."""
    posts = list(enumerate(thread.posts(), 1))
    last, url = last_page(len(posts)), thread_url(thread)
    if page > last:
        return None
    nav, status = page_nav(url, page, last), ""
    if thread.is_locked:
        status = (
            '<div class="blockStatus blockStatus--standalone"><dl class="blockStatus"><dt>Status</dt><dd '
            'class="blockStatus-message blockStatus-message--locked">Not open for further replies.</dd></dl></div>'
        )
    here = posts[(page - 1) * POSTS : page * POSTS]
    blocks = [_poll(thread)]
    if thread.plan.is_question:
        # A question stands above its answers on every page.
        blocks.append(_posts_block(thread, posts[:1], base, "", status))
        blocks.append(_solution(thread) if page == 1 else "")
        here = [entry for entry in here if entry[0] > 1]
    if here:
        blocks.append(_posts_block(thread, here, base, nav, status))
    head = f'<link rel="canonical" href="{base}{url}{f"page-{page}" if page > 1 else ""}" />'
    for rel, number in (("prev", page - 1), ("next", page + 1)):
        if 1 <= number <= last:
            head += f'\n\t<link rel="{rel}" href="{url}{f"page-{number}" if number > 1 else ""}" />'
    label = prefix_of(thread)
    prefix = "" if label is None else (
        f'<span class="label {label[2]}" dir="auto">{label[1]}</span><span class="label-append">&nbsp;</span>'
    )  # fmt: skip
    board = BOARD_BY_ID[thread.board_id]
    return document(
        "thread_view_type_question" if thread.plan.is_question else "thread_view",
        title=f"{label[1]} - {thread.title}" if label else thread.title,
        heading=prefix + escape(thread.title),
        description=_description(thread),
        content="\n".join([*blocks, _similar(thread)]),
        container=f"node-{board.board_id}",
        content_key=f"thread-{thread.thread_id}",
        head=head,
        crumbs=breadcrumbs(base, trail(board, itself=True)),
        ld=_structured(thread, base) if page == 1 else None,
    )
