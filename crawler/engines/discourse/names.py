"""Names in Discourse's JSON: which are taken, and which are knowingly left.

A test walks every recorded answer and fails on a name in neither set: a new version's news is not overlooked.
"""

from collections.abc import Iterator, Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Kind of object -> names that records are made of.
TAKEN: dict[str, frozenset[str]] = {
    "topic": _words("""
        accepted_answer archived category_id chunk_size closed created_at deleted_at deleted_by details featured_link
        has_accepted_answer id last_posted_at pinned pinned_globally post_stream posts_count slug tags title views
        vote_count can_vote topic_list category_list"""),
    "post_stream": frozenset({"posts", "stream"}),
    "post": _words("""
        accepted_answer actions_summary cooked created_at deleted_at hidden can_see_hidden_post id
        polls post_number post_type posts_count post_voting_vote_count reaction_users_count
        reply_to_post_number topic_id topic_slug updated_at user_deleted user_id username version"""),
    "action": frozenset({"id", "count"}),
    "poll": frozenset({"options", "title", "voters"}),
    "option": frozenset({"html", "votes"}),
    "details": frozenset({"created_by"}),
    "user": frozenset({"id", "username"}),
    "answer": frozenset({"topic_list", "category_list", "users", "topics", "post_stream", "latest_posts", "category"}),
    "list": frozenset({"more_topics_url", "topics"}),
    "row": _words("""
        archived category_id closed created_at featured_link has_accepted_answer id last_posted_at pinned
        pinned_globally posters posts_count slug tags title views vote_count can_vote"""),
    "poster": frozenset({"user_id", "user"}),
    "categories": frozenset({"categories"}),
    "category": _words("""
        description description_text id name parent_category_id post_count slug subcategory_ids subcategory_list
        topic_count topics"""),
}

# What else the software writes: rights of the reader, pictures, ranks, drafts, statistics about readers, other forms
# of what is taken (fancy_title, name beside username), other topics (suggested, related), plugins' settings.
IGNORED: dict[str, frozenset[str]] = {
    "topic": _words("""
        actions_summary archetype bookmarked bookmarks can_have_answer current_post_number draft draft_key
        draft_sequence fancy_title has_best_of has_deleted has_summary highest_post_number image_url is_warning
        last_read_post_number like_count message_archived message_bus_last_id participant_count pinned_at
        pinned_until posted private_topic queued_posts_count reply_count requested_group_name
        show_read_indicator slow_mode_enabled_until slow_mode_seconds suggested_topics related_topics summarizable
        tags_descriptions thumbnails timeline_lookup topic_timer unicode_title unpinned unseen user_id user_voted
        valid_reactions visible visibility_reason_id with_missing word_count users"""),
    "post_stream": frozenset({"gaps", "isMegaTopic", "lastId", "firstId"}),
    "post": _words("""
        action_code admin avatar_template avg_time badges_granted
        bookmarked can_accept_answer can_delete can_edit can_recover
        can_translate can_unaccept_answer can_view_edit_history can_vote can_wiki calendar_details category_id
        cooked_hidden current_user_reaction current_user_used_main_reaction deleted_by display_username draft_sequence
        edit_reason event flair_bg_color flair_color flair_group_id flair_name flair_url hidden_reason_id
        incoming_link_count is_localized language last_wiki_edit
        link_counts mentioned_users moderator name notice post_url
        primary_group_flair_bg_color primary_group_flair_color primary_group_flair_url primary_group_name quote_count
        raw reactions read readers_count reads reply_count reply_to_user retort reviewable_id reviewable_score_count
        reviewable_score_pending_count score staff title_is_group topic_accepted_answer topic_title topic_html_title
        topic_posts_count topic_filtered_posts_count topic_archetype trust_level user_cakedate user_created_at
        user_birthdate user_custom_fields user_date_of_birth user_status user_title user_suspended via_email yours
        excerpt truncated category_slug post_voting_has_votes polls_votes shared_edits_enabled wiki"""),
    "action": frozenset({"acted", "can_act", "can_defer_flags", "can_undo", "hidden"}),
    "poll": _words("""
        chart_type close dynamic groups id max min name post_id preloaded_voters public ranked_choice_outcome
        results status step type"""),
    "option": frozenset({"id"}),
    "details": _words("""
        allowed_groups allowed_users auto_close_at auto_close_based_on_last_post auto_close_hours can_archive_topic
        can_close_topic can_convert_topic can_create_post can_delete can_edit can_edit_tags can_flag_topic
        can_invite_to can_invite_via_email can_moderate_category can_move_posts can_permanently_delete
        can_pin_unpin_topic can_publish_page can_recover can_remove_allowed_users can_remove_self_id
        can_reply_as_new_topic can_review_topic can_split_merge_topic can_toggle_topic_visibility last_poster links
        notification_level notifications_reason_id participants suggested_topics"""),
    "user": _words("""
        admin animated_avatar avatar_template flair_bg_color flair_color flair_group_id flair_name flair_url
        moderator name post_count primary_group_name trust_level"""),
    "answer": _words("primary_groups flair_groups featured_users tags groups grouped_search_result categories"),
    "list": _words("""
        can_create_topic draft draft_key draft_sequence filter for_period per_page shared_drafts tags tracked
        top_tags"""),
    "row": _words("""
        archetype assigned_to_user bookmarked bookmarks bumped bumped_at can_have_answer category deleted_at
        excerpt fancy_title first_post_id has_best_of has_summary highest_post_number image_url is_hot
        last_poster_username last_read_post_number like_count liked notification_level op_can_vote op_like_count
        participant_groups pinned_until posted reply_count tags_descriptions thumbnails topic_post_voting unicode_title
        unpinned unread unread_posts unseen user_chosen_thumbnail_url user_voted visibility_reason_id visible"""),
    "poster": frozenset({"description", "extras", "flair_group_id", "primary_group_id"}),
    "categories": frozenset({"can_create_category", "can_create_topic", "draft", "draft_key", "draft_sequence"}),
    "category": _words("""
        allow_global_tags allowed_tag_groups allowed_tags auto_close_days available_groups background_url can_edit
        can_vote color custom_fields default_list_filter default_slow_mode_seconds default_top_period default_view
        featured_user_ids
        description_excerpt emoji form_template_ids group_permissions has_children hotness icon
        is_uncategorized locale logo_url minimum_required_tags navigate_to_first_post_after_read notification_level
        num_featured_topics permission position read_only_banner read_restricted required_tag_groups
        show_subcategory_list
        sort_ascending sort_order style_type subcategory_count subcategory_list_style text_color topic_template
        topic_title_placeholder topic_url topics_all_time topics_day topics_month topics_week topics_year
        uploaded_background uploaded_background_dark uploaded_logo uploaded_logo_dark user_field_ids"""),
}

# Kind of object -> its fields that hold objects of a kind (alone or in lists).
_INNER: dict[str, dict[str, str]] = {
    "answer": {
        "post_stream": "post_stream",
        "topic_list": "list",
        "category_list": "categories",
        "users": "user",
        "topics": "row",
        "latest_posts": "post",
        "category": "category",
    },
    "topic": {"post_stream": "post_stream", "details": "details", "topic_list": "list"},
    "post_stream": {"posts": "post"},
    "post": {"actions_summary": "action", "polls": "poll"},
    "poll": {"options": "option"},
    "details": {"created_by": "user"},
    "list": {"topics": "row"},
    "row": {"posters": "poster"},
    "poster": {"user": "user"},
    "categories": {"categories": "category"},
    "category": {"subcategory_list": "category", "topics": "row"},
}


def unread_names(answer: object, kind: str = "answer") -> Iterator[str]:
    """Names of the answer that are neither taken nor ignored, as "post.name"."""
    if isinstance(answer, list):
        for part in answer:
            yield from unread_names(part, kind)
    elif isinstance(answer, Mapping):
        kind = "topic" if kind == "answer" and "post_stream" in answer else kind
        for name, value in answer.items():
            if name not in TAKEN[kind] and name not in IGNORED[kind]:
                yield f"{kind}.{name}"
            elif (inner := _INNER.get(kind, {}).get(name)) is not None:
                yield from unread_names(value, inner)
