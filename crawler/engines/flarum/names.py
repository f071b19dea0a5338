"""Every name that Flarum's API is known to use, per type of resource: what is taken, and what is knowingly not.

A name in neither set is new: see `unknown_names`. From the serializers and resources of flarum/framework 0.1 to 2.0
with its own extensions, and of fof/polls, fof/best-answer, fof/gamification, fof/reactions and fof/discussion-views.
"""

from collections.abc import Iterable

TAKEN = {
    "discussions": frozenset(
        {"title", "slug", "commentCount", "commentsCount", "createdAt", "startTime", "lastPostedAt", "lastTime"}
        | {
            "isHidden",
            "hiddenAt",
            "hideTime",
            "isApproved",
            "isLocked",
            "isSticky",
            "isStickiest",
            "isTagSticky",
            "views",
            "viewCount",
            "votes",
        }
        | {"hasBestAnswer", "hasPoll"}
    ),
    "posts": frozenset(
        {"number", "createdAt", "time", "contentType", "contentHtml", "editedAt", "editTime", "isHidden", "isApproved"}
        | {"likesCount", "reactionCounts", "votes", "hiddenAt", "hideTime"}
    ),
    "users": frozenset({"username", "displayName"}),
    "tags": frozenset({"name", "description", "slug", "discussionCount", "isChild", "position", "postCount"}),
    "polls": frozenset({"question", "voteCount", "allowMultipleVotes"}),
    "poll_options": frozenset({"answer", "voteCount"}),
}
# What is allowed to whoever reads, what the reader did, and how things look.
_OF_THE_READER = frozenset(
    {
        "canReply",
        "canRename",
        "canDelete",
        "canHide",
        "canEdit",
        "canTag",
        "canLock",
        "canSticky",
        "canMerge",
        "canLike",
    }
    | {"canFlag", "canApprove", "canVote", "canStickiest", "canTagSticky", "canSelectBestAnswer", "canStartDiscussion"}
    | {"canAddToDiscussion", "canSeeVotes", "canDownvote", "canReact", "canSplit", "canStartPolls", "canStartPoll"}
    | {"canSeeVoters", "canChangeVote", "canPublish", "canUnpublish", "canViewNumber", "canReset", "canSeeReactions"}
    | {"canEditRecipients", "canEditUserRecipients", "canEditGroupRecipients", "canEditPollWhenPostEdit", "canBlog"}
    | {"canEditCredentials", "canEditGroups", "canSuspend", "canSpamblock", "canViewWarnings", "canBeMessaged"}
    | {"canEditUsername", "canEditPolls", "canModeratePolls", "canHaveVotingNotifications", "canViewDiscussionViews"}
    | {"lastReadAt", "lastReadPostNumber", "readTime", "readNumber", "subscription", "hasUpvoted", "hasDownvoted"}
    | {"seeVoters", "isUnread", "bookmarked", "frontpage", "front", "unreadCount"}
)
IGNORED = {
    "discussions": _OF_THE_READER
    | {"participantCount", "participantsCount", "lastPostNumber", "hotness", "bestAnswerSetAt"}
    | {"isNsfw", "replyTemplate", "seo", "customThumbnail", "languageId", "isNoIndex", "shareUrl"},
    "posts": _OF_THE_READER
    | {"content", "renderFailed", "ipAddress", "mentionedByCount", "userIp", "isBestAnswer", "canSetAsBestAnswer"}
    | {"replyCount", "postId"},
    "users": _OF_THE_READER
    | {"avatarUrl", "slug", "joinTime", "joinedAt", "discussionCount", "discussionsCount", "commentCount", "email"}
    | {"commentsCount", "lastSeenAt", "lastSeenTime", "isEmailConfirmed", "isActivated", "isAdmin", "preferences"}
    | {"suspendedUntil", "suspendReason", "suspendMessage", "bestAnswerCount", "points", "rank", "bio", "signature"}
    | {"visibleWarningCount", "blocksPd", "cannotBeDirectMessaged", "isBanned", "usernameHistory", "cover"}
    | {"color", "badges", "avatarSrcset"},
    "tags": _OF_THE_READER
    | {"color", "backgroundUrl", "backgroundMode", "icon", "defaultSort", "isHidden", "lastPostedAt", "isRestricted"}
    | {"isQnA", "reminders", "template", "isPrimary", "excerptLength", "richExcerpts", "lastTime", "discussionsCount"},
    "polls": _OF_THE_READER
    | {"subtitle", "hasEnded", "publicPoll", "hideVotes", "allowChangeVote", "maxVotes", "endDate"}
    | {"createdAt", "updatedAt", "isGlobal", "image", "imageUrl", "imageAlt", "isImageUpload", "publishedAt", "isDraft"}
    | {"scheduledPublishAt", "scheduledPublishError", "scheduleCancelled"},
    "poll_options": frozenset({"imageUrl", "createdAt", "updatedAt", "isImageUpload"}),
}
# Resources of the forum itself, of groups and the like hold settings, nothing that anybody wrote.
IGNORED_TYPES = frozenset(
    {"forums", "groups", "poll_votes", "discussion-views", "ranks", "reactions", "post_reactions", "badges", "flags"}
    | {"notifications", "links", "pages", "userBadges", "access-tokens", "poll-groups"}
)


def unknown_names(resources: Iterable[dict[str, object]]) -> set[str]:
    """Names such as "posts.colour" of attributes that are in neither set, and types that are not known at all."""
    found: set[str] = set()
    for resource in resources:
        kind, attributes = str(resource.get("type")), resource.get("attributes")
        if kind in IGNORED_TYPES:
            continue
        if kind not in IGNORED:
            found.add(kind)
        elif isinstance(attributes, dict):
            found |= {f"{kind}.{name}" for name in attributes if name not in TAKEN[kind] and name not in IGNORED[kind]}
    return found
