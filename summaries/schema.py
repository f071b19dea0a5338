"""The summary tables: their columns, types and meaning, in one place (source of the data dictionary).

Each table is one Parquet file per site, `<archive>/summaries/<table>/site=<site>/data.parquet`; the site is in the
path as a hive partition and in the rows as a column.
"""

import pyarrow as pa

from storage.columns import INSTANT, Column, Merge, Table

TOP_THREAD = pa.struct([("thread_id", pa.string()), ("posts", pa.int64())])
CITED_SENTENCE = pa.struct([("post_id", pa.string()), ("speaker", pa.string()), ("text", pa.string())])


def _column(name: str, type_: pa.DataType, doc: str) -> Column:
    return Column(name, type_, doc, Merge.DERIVED)


ACTIVITY = Table(
    name="activity",
    doc="What happened on a board on a day (UTC). A day has a row where it has a post, deleted ones included.",
    partition_by=("site",),
    key=("site", "board_id", "day"),
    sort_by=("site", "board_id", "day"),
    columns=(
        _column("site", pa.string(), "Name of the site."),
        _column("board_id", pa.string(), "Id of the board; null for threads whose board is not known."),
        _column("day", pa.date32(), "Day in UTC; null gathers the posts whose instant the site does not state."),
        _column("threads", pa.int64(), "Threads opened: opening posts of the day, also those deleted since."),
        _column("posts", pa.int64(), "Posts written that stand; deleted and removed ones are not among them."),
        _column("deleted", pa.int64(), "Posts written that day and deleted or removed since."),
        _column("authors", pa.int64(), "Distinct authors of the standing posts, as far as known."),
        _column("posts_without_author", pa.int64(), "Standing posts that have no author key."),
        _column("active_threads", pa.int64(), "Threads with a standing post that day."),
        _column("replies", pa.int64(), "Posts that `median_reply_delay` rests on."),
        _column(
            "median_reply_delay",
            pa.float64(),
            "Seconds from the thread's previous standing post, median over the replies of the day; null without any.",
        ),
        _column(
            "growth",
            pa.float64(),
            "Posts of the day over the mean of the 7 calendar days before, less 1 (0 as usual, 1 doubled); null "
            "while the board's first post is less than 7 days old, or where those days had none.",
        ),
        _column("top_threads", pa.list_(TOP_THREAD), "Up to 5 threads with the most standing posts that day."),
        _column("input_hash", pa.string(), "Hash of all that the board's rows are computed from."),
        _column("refreshed_at", INSTANT, "When the board's rows were computed."),
    ),
)

DIGESTS = Table(
    name="digests",
    doc="A short account of each thread, made of its own sentences, each with the post that it is from.",
    partition_by=("site",),
    key=("site", "thread_id"),
    sort_by=("site", "thread_id"),
    columns=(
        _column("site", pa.string(), "Name of the site."),
        _column("board_id", pa.string(), "Id of the board, where known."),
        _column("thread_id", pa.string(), "Id of the thread."),
        _column("title", pa.string(), "Title of the thread."),
        _column("input_hash", pa.string(), "Hash of all that the digest is computed from."),
        _column("method", pa.string(), "extractive-1, or abstractive-1:<model> where an endpoint wrote the text."),
        _column("digest_text", pa.string(), "The digest as plain text: title, then a line per speaker and post."),
        _column("question", pa.string(), "The opener's question, where the opening post asks one."),
        _column("sentences", pa.list_(CITED_SENTENCE), "The cited sentences in thread order, with post and speaker."),
        _column("posts", pa.int64(), "Standing posts of the thread."),
        _column("authors", pa.int64(), "Distinct authors of them, as far as known."),
        _column("first_at", INSTANT, "When the first of them was written."),
        _column("last_at", INSTANT, "When the last of them was written."),
        _column("refreshed_at", INSTANT, "When the digest was computed."),
    ),
)

NEAR_DUPLICATES = Table(
    name="near_duplicates",
    doc="Posts that say the same as another one, word for word or nearly, as clusters of two and more. Nothing is "
    "deleted for it. Deleted posts are not in it, nor are texts of less than 5 words; nearly alike are only texts of "
    "12 words and more.",
    partition_by=("site",),
    key=("site", "post_id"),
    sort_by=("site", "cluster_id", "post_id"),
    columns=(
        _column("site", pa.string(), "Name of the site."),
        _column("thread_id", pa.string(), "Id of the post's thread."),
        _column("post_id", pa.string(), "Id of the post."),
        _column(
            "cluster_id",
            pa.string(),
            "Site and id of the cluster's earliest post, as `site/post_id`; a post written later never changes it.",
        ),
        _column(
            "kind",
            pa.string(),
            "first (the earliest of the cluster), exact (the same words as the first, in the same order; case, "
            "punctuation and white space apart) or near.",
        ),
        _column(
            "similarity",
            pa.float64(),
            "Jaccard similarity of the sets of three-word shingles of this post and the first, from 0.8 to 1.",
        ),
        _column("words", pa.int64(), "Words of the post."),
        _column("is_cross_site", pa.bool_(), "Whether the first post stands on another site."),
        _column("is_crosspost", pa.bool_(), "Whether it opens a thread that repeats the first one's: see crossposts."),
        _column("text_key", pa.int64(), "64 bits of BLAKE2b over the words: equal for exact duplicates of each other."),
    ),
)

CROSSPOSTS = Table(
    name="crossposts",
    doc="Threads that repeat another one: where the site says so, or where title and opening post are the same (as in "
    "near_duplicates) on another board or site.",
    partition_by=("site",),
    key=("site", "thread_id"),
    sort_by=("site", "thread_id"),
    columns=(
        _column("site", pa.string(), "Name of the site."),
        _column("thread_id", pa.string(), "Id of the thread that repeats."),
        _column("of_site", pa.string(), "Site of the repeated thread."),
        _column("of_thread_id", pa.string(), "Id of the repeated thread; the archive need not hold it if declared."),
        _column("is_cross_site", pa.bool_(), "Whether the two stand on different sites."),
        _column("declared", pa.bool_(), "Whether the site says so (`crosspost_of`)."),
        _column("similarity", pa.float64(), "Of the opening posts; null where only the site's word is there."),
    ),
)

QUOTATIONS = Table(
    name="quotations",
    doc="Quotes, each with the post that it repeats: those whose post the site names, and those found by their words "
    "in the earlier posts of the thread.",
    partition_by=("site",),
    key=("site", "post_id", "number"),
    sort_by=("site", "thread_id", "post_id", "number"),
    columns=(
        _column("site", pa.string(), "Name of the site."),
        _column("thread_id", pa.string(), "Id of the quoting post's thread."),
        _column("post_id", pa.string(), "Id of the quoting post."),
        _column("number", pa.int64(), "Number of the row within the post, from 1."),
        _column("quoted_post_id", pa.string(), "Id of the quoted post; of this thread unless declared."),
        _column("declared", pa.bool_(), "Whether the site names the quoted post."),
        _column(
            "form",
            pa.string(),
            "declared; block (a quote that names no post); marked (`>` lines, words after `X wrote:` or in quotation "
            "marks); text (repeated without a mark).",
        ),
        _column("quote", pa.int64(), "Place in the post's `quotes`, from 0; null where it stands in `body_text`."),
        _column("starts_at", pa.int64(), "Where it starts in `body_text`, in characters from 0; null for `quotes`."),
        _column("ends_at", pa.int64(), "Where it ends there, exclusive."),
        _column("words", pa.int64(), "Words of the quote."),
        _column(
            "score",
            pa.float64(),
            "Share of these words found in the quoted post's own text, in their order; null where it is not in the "
            "thread.",
        ),
        _column("coverage", pa.float64(), "Share of the quoted post's own words that are repeated; null likewise."),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in (ACTIVITY, DIGESTS, NEAR_DUPLICATES, CROSSPOSTS, QUOTATIONS)}
