"""What NodeBB's answers hold, kind by kind: the keys that are taken and those that are knowingly not.

A test goes through all known answers, and fails where a key is in neither: plugins and new versions show up that way.
The kinds and keys are those of public/openapi/ in NodeBB's repository and of answers of its sites.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from crawler.engines.html import decoded, from_epoch, from_iso
from crawler.engines.json_fields import text_of
from crawler.engines.json_text import Json

Fields = Mapping[str, Json]

TAKEN: dict[str, frozenset[str]] = {
    "page": frozenset(
        {"tid", "uid", "cid", "mainPid", "title", "titleRaw", "slug", "timestamp", "lastposttime", "postcount"}
        | {"viewcount", "locked", "deleted", "pinned", "upvotes", "downvotes", "votes", "tags", "posts", "category"}
        | {"pagination", "template", "url", "relative_path", "author", "loggedIn", "name", "description", "parentCid"}
        | {"topic_count", "post_count", "totalTopicCount", "totalPostCount", "children", "topics", "categories"}
        | {"sortOption", "bodyClass", "error", "path", "isQuestion", "solvedPid", "pollId", "scheduled", "matchCount"}
        | {"link", "rssFeedUrl", "handle", "timestampISO", "lastposttimeISO", "descriptionParsed", "status", "message"}
    ),
    "post": frozenset(
        {"pid", "tid", "uid", "content", "timestamp", "timestampISO", "edited", "editedISO", "deleted", "deleterUid"}
        | {"votes", "upvotes", "downvotes", "index", "user", "toPid", "attachments", "reactions", "handle"}
    ),
    "user": frozenset({"uid", "username", "displayname"}),
    "category": frozenset(
        {"cid", "name", "description", "descriptionParsed", "slug", "parentCid", "link", "children", "topic_count"}
        | {"post_count", "totalTopicCount", "totalPostCount"}
    ),
    "topic": frozenset(
        {"tid", "uid", "cid", "title", "titleRaw", "slug", "timestamp", "lastposttime", "postcount", "viewcount"}
        | {"locked", "deleted", "pinned", "upvotes", "downvotes", "votes", "tags", "user", "isQuestion", "solvedPid"}
        | {"pollId", "scheduled", "timestampISO", "lastposttimeISO"}
    ),
}

_SETTINGS = frozenset(
    {"reputation:disabled", "downvote:disabled", "feeds:disableRSS", "signatures:hideDuplicates", "topicStaleDays"}
    | {"bookmarkThreshold", "necroThreshold", "postEditDuration", "postDeleteDuration", "scrollToMyPost", "widgets"}
    | {"updateUrlWithPostIndex", "allowMultipleBadges", "privateUploads", "showPostPreviewsOnHover", "_header"}
    | {"upvoteVisibility", "downvoteVisibility", "loggedInUser", "privileges", "breadcrumbs", "thread_tools", "icons"}
    | {
        "tagWhitelist",
        "minTags",
        "maxTags",
        "postSharing",
        "_locals",
        "showSelect",
        "showTopicTools",
        "allCategoriesUrl",
    }
)
_READER = frozenset(
    {"isFollowing", "isNotFollowing", "isIgnoring", "bookmark", "bookmarks", "unread", "unread-class", "ignored"}
    | {
        "bookmarked",
        "upvoted",
        "downvoted",
        "selfPost",
        "isOwner",
        "isWatched",
        "isNotWatched",
        "isIgnored",
        "followed",
    }
    | {"isTracked", "display_edit_tools", "display_delete_tools", "display_moderator_tools", "display_move_tools"}
    | {"display_post_menu", "flagId", "topicOwnerPost", "canCrosspost", "hasNewMessages", "announces"}
)
_LOOKS = frozenset(
    {
        "icon",
        "bgColor",
        "color",
        "class",
        "order",
        "imageClass",
        "image",
        "backgroundImage",
        "numRecentReplies",
        "style",
    }
    | {"isSection", "disabled", "disabledClass", "subCategoriesPerPage", "minTagsRequired", "thumb", "thumbs"}
    | {"federatedUrl", "hideChildren", "depth", "level", "postQueue", "federatedDescription", "nodesCount"}
)

IGNORED: dict[str, frozenset[str]] = {
    # `events` tell who locked, pinned or moved a topic; `related` are other topics; `postIndex` is where to scroll.
    "page": _SETTINGS
    | _READER
    | _LOOKS
    | {"events", "related", "postIndex", "teaserPid", "deleter", "merger", "deleterUid", "mergerUid", "unreplied"}
    | {"postercount", "sortOptionLabel", "crossposts", "oldCid", "oldCategory", "numThumbs", "pinExpiry", "user"}
    | {"topicIndex", "nextStart", "selectCategoryLabel", "selectedTag", "selectedTags", "selectedCategory", "posters"}
    | {"selectedCids", "filters", "selectedFilter", "terms", "selectedTerm", "canPost", "handleFull", "parent", "time"}
    | {"showThumbs", "index", "generatedBy", "mainPost", "pinExpiryISO", "deletedTimestamp", "deletedTimestampISO"}
    | {
        "mergedTimestamp",
        "mergeIntoTid",
        "forkTimestamp",
        "forkedFromTid",
        "forkerUid",
        "response",
        "teaser",
        "moderators",
    }
    | {"topicCount", "postCount", "hasNext", "multiplePages", "search_query", "term", "localCategory", "cids"},
    # `replies` previews who answered; the answers themselves are posts of the topic.
    "post": _READER
    | {"editor", "replies", "events", "eventStart", "eventEnd", "parent", "ip", "flags", "replies_count", "blocked"}
    | {"sourceContent", "isMainPost", "topic", "category", "_activitypub", "audience", "url", "uploads", "uploadCount"}
    | {
        "maxReactionsReached",
        "threadId",
        "cid",
        "fromEmail",
        "deletedTimestamp",
        "isEnglish",
        "translatedContent",
        "nextPostTimestamp",
    },
    "user": frozenset(
        {
            "userslug",
            "reputation",
            "postcount",
            "topiccount",
            "picture",
            "signature",
            "banned",
            "banned:expire",
            "status",
        }
        | {"lastonline", "lastonlineISO", "groupTitle", "groupTitleArray", "icon:text", "icon:bgColor", "fullname"}
        | {
            "banned_until",
            "banned_until_readable",
            "selectedGroups",
            "custom_profile_info",
            "isLocal",
            "muted",
            "joindate",
        }
        | {"administrator", "joindateISO", "custom_fields", "location", "website", "mutedUntil", "aboutme", "isAdmin"}
    ),
    "category": _LOOKS
    | _READER
    | {"tagWhitelist", "minTags", "maxTags", "posts", "teaser", "topics", "moderators", "parent", "privileges"}
    | {"postercount", "timesClicked", "uploads", "handle", "theme", "selected", "match", "text", "value", "nodebb"},
    "topic": _LOOKS
    | _READER
    | {"mainPid", "teaserPid", "teaser", "category", "postercount", "posters", "icons", "index", "unreplied", "user"}
    | {
        "pinExpiry",
        "pinExpiryISO",
        "tagWhitelist",
        "bookmark",
        "mergerUid",
        "mergeIntoTid",
        "mergedTimestamp",
        "oldCid",
    }
    | {"deleterUid", "deletedTimestamp", "forkedFromTid", "forkTimestamp", "forkerUid", "numThumbs", "crossposts"}
    | {"generatedTitle", "firstPost", "mainPost", "author", "isLocal", "order"},
}


def unknown_keys(answer: Json) -> set[str]:
    """Keys of an answer that are neither taken nor knowingly ignored, each as "kind.key"."""
    found = set()
    for kind, fields in _kinds(answer):
        found |= {f"{kind}.{key}" for key in fields if key not in TAKEN[kind] and key not in IGNORED[kind]}
    return found


def _kinds(answer: Json) -> Iterator[tuple[str, Fields]]:
    """(kind, object) of an answer's objects."""
    if not isinstance(answer, dict):
        return
    yield "page", answer
    waiting = [("post", post) for post in records(answer.get("posts"))]
    waiting += [("topic", topic) for topic in records(answer.get("topics"))]
    waiting += [("category", one) for key in ("categories", "children") for one in records(answer.get(key))]
    if isinstance(category := answer.get("category"), dict):
        waiting.append(("category", category))
    while waiting:
        kind, fields = waiting.pop()
        yield kind, fields
        if isinstance(user := fields.get("user"), dict):
            yield "user", user
        waiting += [("category", one) for one in records(fields.get("children"))]


# -- values -------------------------------------------------------------------------------------------------------


def records(value: Json) -> list[dict[str, Json]]:
    """The objects of an array; none where it is no array."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def escaped(value: Json) -> str | None:
    """A text that NodeBB has escaped for HTML, as it was; None for phrases that its pages would translate."""
    text = text_of(value)
    if text is None:
        return None
    if text.startswith("[[") and text.endswith("]]"):
        return _PHRASES.get(text[2:-2])
    return decoded(text).strip() or None


_PHRASES = {"global:guest": "Guest", "global:former_user": "A Former User", "global:former-user": "A Former User"}


def id_of(value: Json) -> str | None:
    """An id: a number above zero (-1: topics from elsewhere), or the address of something on another server."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    return text if text not in {"", "0", "null", "undefined"} else None


def member_id(value: Json) -> str | None:
    """Id of a member; guests have 0, search engines -1."""
    text = id_of(value)
    return None if text is None or text.startswith("-") else text


def count_of(value: Json) -> int | None:
    """A whole number."""
    if isinstance(value, str) and value.lstrip("-").isdecimal() and len(value) < 16:
        return int(value)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15 else None


def flag_of(value: Json) -> bool | None:
    """Whether something holds; NodeBB writes 0 and 1, or false and true."""
    number = count_of(value)
    return bool(value) if isinstance(value, bool) else bool(number) if number is not None else None


def instant(fields: Fields, name: str) -> datetime | None:
    """The instant in `name` (milliseconds since 1970) or, in words, in `nameISO`; None for 0."""
    milliseconds = count_of(fields.get(name))
    if milliseconds:
        found = from_epoch(milliseconds // 1000)
        return found + timedelta(milliseconds=milliseconds % 1000) if found else None
    written = text_of(fields.get(f"{name}ISO"))
    return from_iso(written) if written and milliseconds is None else None
