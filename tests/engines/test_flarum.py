"""Flarum: own documents and pages, as its serializers and views write them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crawler.engines.flarum import Flarum
from crawler.engines.flarum.document import Document, payload_of
from crawler.engines.flarum.names import IGNORED, TAKEN, unknown_names
from crawler.engines.page import Page
from crawler.records import Attachment, PageKind, ParsedPage, PollOption, Quote, Status
from tests.engines.real_pages import verify_never_hangs, verify_survives_anything

ENGINE = Flarum()
PAGES = Path(__file__).parent / "pages" / "flarum"
API = "https://ward.example/api"


def parse(body: str | bytes, url: str = f"{API}/discussions/12", status: int = 200) -> ParsedPage:
    body = body.encode() if isinstance(body, str) else body
    return ENGINE.parse(Page(url=url, body=body, site="ward", status=status))


def own(name: str, url: str = f"{API}/discussions/12") -> ParsedPage:
    return parse((PAGES / name).read_bytes(), url)


def content_of(name: str) -> dict[str, Any]:
    found = json.loads((PAGES / name).read_bytes())
    assert isinstance(found, dict)
    return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def case() -> ParsedPage:
    return own("discussion-1.x.json")


# -- threads ------------------------------------------------------------------------------------------------------


def test_thread(case: ParsedPage) -> None:
    assert (case.page_kind, case.thread_id, case.board_id) == ("thread", "12", "9")
    (thread,) = case.threads
    assert (thread.title, thread.author, thread.author_id) == ("Fever after stent", "Dr Quill", "3")
    assert thread.tags == ["Clinic", "Cardiology", "urgent"]
    assert (thread.reply_count, thread.view_count, thread.score) == (26, 1204, 7)
    assert (thread.is_sticky, thread.is_locked, thread.solution_post_id) == (True, True, "103")
    assert thread.created_at == utc("2024-03-01T08:00:00")
    assert thread.last_post_at == utc("2024-03-09T16:30:00")
    assert thread.url == "https://ward.example/d/12-fever-after-stent"


def test_poll(case: ParsedPage) -> None:
    poll = case.threads[0].poll
    assert poll is not None
    assert (poll.question, poll.voters) == ("Culture first?", 14)
    assert poll.options == [PollOption(text="Yes", votes=12), PollOption(text="No", votes=2)]


def test_what_happened_to_the_thread_is_no_post(case: ParsedPage) -> None:
    assert [post.post_id for post in case.posts] == ["101", "103", "104", "105"]
    assert case.containers == 4


def test_position_is_the_sites_own_number(case: ParsedPage) -> None:
    assert [post.position for post in case.posts] == [1, 3, 5, 6]
    assert [post.is_opening for post in case.posts] == [True, False, False, False]
    assert case.posts[1].url == "https://ward.example/d/12/3"


def test_own_text_keeps_its_form(case: ParsedPage) -> None:
    post = case.posts[0]
    assert post.body_text.split("\n") == [
        "Fever on day 2 🙂",
        "- CRP 120",
        "- no murmur",
        "HR  110",
        "RR   22",
        "See guide, @Nurse Bell",
    ]
    assert post.links == ["https://guide.example/fever?a=1&b=2"]
    assert post.attachments == [
        Attachment(url="https://ward.example/assets/files/2024-03-01/ecg.png", name="ecg.png"),
        Attachment(url="https://ward.example/api/fof/download/ab-12", name="x-ray.pdf"),
    ]
    assert (post.edited, post.edited_at) == (True, utc("2024-03-01T09:00:00"))


def test_likes_are_counted_or_listed(case: ParsedPage) -> None:
    assert [post.reactions for post in case.posts] == [5, 2, 0, None]
    assert case.posts[0].score == 3


def test_quotes_and_answers(case: ParsedPage) -> None:
    quoting, answering = case.posts[1:3]
    assert quoting.quotes == [Quote(post_id="101", author="Dr Quill", text="Fever on day 2"), Quote(text="older words")]
    assert (quoting.body_text, quoting.parent_id) == ("Draw two sets.", None)
    assert answering.parent_id == "103"  # a post of another thread is answered by nobody here
    assert answering.body_text == "Nurse Bell done, both negative. As in Chief"


def test_a_mention_before_a_quote_says_whose_words_they_are() -> None:
    content = content_of("posts.json")
    content["data"][1]["attributes"]["contentHtml"] = (
        '<p><a href="https://ward.example/d/12/1" class="PostMention" data-id="101">Dr Quill</a></p>'
        '<blockquote class="uncited"><div><p>Fever</p></div></blockquote><p>When?</p>'
    )
    post = parse(json.dumps(content), f"{API}/posts?filter[discussion]=12").posts[1]
    assert post.quotes == [Quote(post_id="101", author="Dr Quill", text="Fever")]
    assert post.parent_id == "101"


@pytest.mark.parametrize("wrote", [" wrote:", " schrieb:", " a écrit :", " 写道："])  # noqa: RUF001 - as translated
def test_quotes_of_bbcode_in_other_languages(wrote: str) -> None:
    content = content_of("posts.json")
    content["data"][1]["attributes"]["contentHtml"] = (
        f"<blockquote><div><cite>Dr Quill{wrote}</cite><p>Fever</p></div></blockquote><p>When?</p>"
    )
    post = parse(json.dumps(content), f"{API}/posts?filter[discussion]=12").posts[1]
    assert (post.quotes, post.body_text) == ([Quote(author="Dr Quill", text="Fever")], "When?")


def test_gone_accounts_and_removed_posts(case: ParsedPage) -> None:
    nobody, removed = case.posts[2:]
    assert (nobody.author, nobody.author_id) == ("[deleted]", None)
    assert (removed.status, removed.body_text) == (Status.REMOVED, "")
    content = content_of("discussion-1.x.json")
    hidden = next(one for one in content["included"] if one["id"] == "105")
    hidden["relationships"]["hiddenUser"] = hidden["relationships"]["user"]
    assert parse(json.dumps(content)).posts[3].status is Status.DELETED


# -- pages of a thread --------------------------------------------------------------------------------------------


def test_the_next_page_starts_behind_the_last_whole_post(case: ParsedPage) -> None:
    # Post 107 is there only because it mentions another one: not all of it is told.
    assert case.next_url == f"{API}/discussions/12?page%5Boffset%5D=6"
    assert case.page == 1


def test_the_last_page() -> None:
    content = content_of("discussion-1.x.json")
    for one in content["included"]:
        if one["id"] == "107":
            one["attributes"]["canEdit"] = False
    ids = content["data"]["relationships"]["posts"]["data"]
    content["data"]["relationships"]["posts"]["data"] = [{"type": "posts", "id": str(n)} for n in range(1, 21)] + ids[
        6:7
    ]
    parsed = parse(json.dumps(content), f"{API}/discussions/12?page%5Boffset%5D=20")
    assert [post.post_id for post in parsed.posts] == ["107"]
    assert (parsed.page, parsed.last_page, parsed.next_url) == (2, 2, None)
    behind = parse(json.dumps(content), f"{API}/discussions/12?page%5Boffset%5D=40")
    assert behind.page_kind == PageKind.EMPTY


def test_a_page_around_a_post() -> None:
    content = content_of("discussion-1.x.json")
    before = [{"type": "posts", "id": str(number)} for number in range(1, 6)]
    content["data"]["relationships"]["posts"]["data"][:0] = before
    parsed = parse(json.dumps(content), f"{API}/discussions/12?page%5Bnear%5D=8")
    assert [post.post_id for post in parsed.posts] == ["101", "103", "104", "105"]
    assert parsed.page is None
    assert parsed.next_url == f"{API}/discussions/12?page%5Boffset%5D=11"


def test_posts_that_cannot_be_read_make_the_page_unknown() -> None:
    content = content_of("discussion-1.x.json")
    del next(one for one in content["included"] if one["id"] == "103")["attributes"]["contentHtml"]
    parsed = parse(json.dumps(content))
    assert (parsed.page_kind, parsed.reason) == (
        "unknown",
        "the post 103 could not be read: it has no contentHtml",
    )
    content["included"] = []
    assert parse(json.dumps(content)).reason == "a thread whose posts the answer does not hold"


def test_a_list_of_posts() -> None:
    url = f"{API}/posts?filter%5Bdiscussion%5D=12&page%5Blimit%5D=2"
    parsed = own("posts.json", url)
    assert (parsed.page_kind, parsed.thread_id, parsed.page) == ("thread", "12", 1)
    assert parsed.next_url == f"{url}&page%5Boffset%5D=2"
    assert [post.reactions for post in parsed.posts] == [4, None]
    assert parsed.posts[1].status is Status.HIDDEN


# -- pages for people ---------------------------------------------------------------------------------------------


def test_a_page_carries_the_answer_for_its_scripts() -> None:
    parsed = own("discussion-2.x.html", "https://ward.example/forum/d/12-fever-after-stent")
    assert (parsed.page_kind, parsed.page, parsed.last_page, parsed.next_url) == ("thread", 1, 1, None)
    assert parsed.board_id == "9"
    assert [post.body_text for post in parsed.posts] == ["Fever on day 2", "Yes & no"]
    assert parsed.posts[1].quotes == [Quote(author="Dr Quill", text="Fever")]
    assert parsed.posts[1].url == "https://ward.example/forum/d/12/2"


def test_an_old_index() -> None:
    parsed = own("index-0.1.html", "https://ward.example/")
    (thread,) = parsed.threads
    assert (parsed.page_kind, thread.thread_id, thread.reply_count, thread.author) == ("board", "2", 2, "ada")
    assert thread.last_post_at == utc("2018-01-17T18:45:29")


def test_a_page_without_its_answer_is_unknown() -> None:
    page = (PAGES / "discussion-2.x.html").read_text(encoding="utf-8")
    parsed = parse(page.replace("flarum-json-payload", "other"), "https://ward.example/d/12")
    assert parsed.page_kind == PageKind.UNKNOWN
    assert parsed.reason == "a Flarum page without what its scripts are handed: its posts have no ids"


# -- lists --------------------------------------------------------------------------------------------------------


def test_board() -> None:
    parsed = own("discussions.json", f"{API}/discussions?filter%5Btag%5D=cardiology")
    assert (parsed.page_kind, parsed.board_id, parsed.page, parsed.last_page) == ("board", "9", 1, None)
    assert parsed.next_url == f"{API}/discussions?filter%5Btag%5D=cardiology&page%5Boffset%5D=20"
    assert [board.title for board in parsed.boards] == ["Cardiology"]
    shown, gone = parsed.threads
    assert (shown.thread_id, shown.is_sticky, shown.is_locked, shown.thread_type) == ("12", True, False, None)
    assert (gone.status, gone.author, gone.is_sticky) == (Status.DELETED, "[deleted]", None)
    assert parsed.posts == []


def test_tags_are_boards() -> None:
    parsed = own("tags.json", f"{API}/tags")
    assert parsed.page_kind == PageKind.INDEX
    found = [(board.board_id, board.parent_id, board.thread_count, board.url) for board in parsed.boards]
    assert found == [
        ("2", None, 30, "https://ward.example/t/clinic"),
        ("9", "2", 12, "https://ward.example/t/cardiology"),
    ]


def test_an_empty_list() -> None:
    parsed = parse('{"links":{"first":"x"},"data":[]}', f"{API}/discussions")
    assert (parsed.page_kind, parsed.reason) == (PageKind.EMPTY, "the list holds nothing")


# -- errors -------------------------------------------------------------------------------------------------------


def test_errors_and_logins() -> None:
    assert (own("error.json").page_kind, own("error.json").reason) == (PageKind.ERROR, "not_found, 404")
    wall = parse('{"errors":[{"status":"401","code":"not_authenticated"}]}')
    assert (wall.page_kind, wall.reason) == (PageKind.LOGIN, "not_authenticated, 401")
    page = "<html><body><div class='container'><p>The page was not found.</p><p>Back</p></div></body></html>"
    assert parse(page, status=404).reason == "The page was not found."
    assert parse("<title>Just a moment...</title>", status=503).page_kind == PageKind.CHALLENGE


def test_other_json() -> None:
    assert parse('{"data":{"type":"articles","id":"1"}}').reason == "an answer with resources of type articles"
    assert parse('{"a":1}').page_kind == PageKind.UNKNOWN
    assert parse("[1]").reason == "the page is none of Flarum"


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        ("https://ward.example/d/12-fever-after-stent", f"{API}/discussions/12"),
        ("https://ward.example/d/12", f"{API}/discussions/12"),
        ("https://ward.example/d/12-fever/35", f"{API}/discussions/12?page%5Bnear%5D=35"),
        ("https://ward.example/d/12-fever?page=3", f"{API}/discussions/12?page%5Boffset%5D=40"),
        ("https://ward.example/d/fever", f"{API}/discussions/fever?bySlug=true"),
        ("https://ward.example/forum/d/12-x", "https://ward.example/forum/api/discussions/12"),
        ("https://ward.example/t/cardiology", f"{API}/discussions?filter%5Btag%5D=cardiology"),
        (
            "https://ward.example/t/cardiology?page=2",
            f"{API}/discussions?filter%5Btag%5D=cardiology&page%5Boffset%5D=20",
        ),
        ("https://ward.example/?q=stent", f"{API}/discussions?filter%5Bq%5D=stent"),
        ("https://ward.example/", f"{API}/discussions"),
        ("https://ward.example/all", f"{API}/discussions"),
        ("https://ward.example/tags", f"{API}/tags"),
        ("https://ward.example/u/ada", "https://ward.example/u/ada"),
        (f"{API}/discussions/12?page%5Boffset%5D=20", f"{API}/discussions/12?page%5Boffset%5D=20"),
    ],
)
def test_what_the_api_is_asked_for(seen: str, asked: str) -> None:
    assert ENGINE.request_url(seen) == asked
    assert ENGINE.request_url(asked) == asked


def test_addresses_of_pages() -> None:
    assert ENGINE.page_url("https://ward.example/d/12-fever/35", 3) == "https://ward.example/d/12-fever?page=3"
    assert ENGINE.page_url(f"{API}/discussions/12", 2) == f"{API}/discussions/12?page%5Boffset%5D=20"
    assert ENGINE.page_url("https://ward.example/t/x", 1) == "https://ward.example/t/x"
    assert ENGINE.post_url("https://ward.example/d/12", "101") is None


# -- completeness -------------------------------------------------------------------------------------------------


def test_every_name_is_taken_or_knowingly_not() -> None:
    for path in sorted(PAGES.iterdir()):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".json":
            document = Document(content_of(path.name))
        else:
            payload = payload_of(text)
            assert payload is not None, path.name
            found = Document.of_payload(payload)
            assert found is not None
            document = found
        kinds = [*TAKEN, *IGNORED, "forums", "groups"]
        assert unknown_names(one for kind in set(kinds) for one in document.all_of(kind)) == set(), path.name


def test_a_new_name_is_noticed() -> None:
    assert unknown_names([{"type": "posts", "attributes": {"number": 1, "dose": 5}}]) == {"posts.dose"}
    assert unknown_names([{"type": "wards", "attributes": {}}]) == {"wards"}
    assert all(not TAKEN[kind] & IGNORED[kind] for kind in TAKEN)


# -- recognition, and whatever the bytes --------------------------------------------------------------------------


def test_recognition() -> None:
    for path in sorted(PAGES.iterdir()):
        found = ENGINE.recognise(Page(url=API, body=path.read_bytes(), site="ward"))
        assert found is not None, path.name
        assert found.confidence >= 0.6


def test_pages_of_other_software_are_not_taken(fixtures_dir: Path) -> None:
    folders = sorted(path for path in fixtures_dir.iterdir() if path.is_dir())
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        page = Page(url="https://forum.example/", body=path.read_bytes(), site="s")
        assert ENGINE.recognise(page) is None, path


def test_whatever_comes() -> None:
    verify_survives_anything(ENGINE, sorted(PAGES.iterdir()))


@pytest.mark.parametrize("wrong", ["null", "1", '"x"', "[]", "{}", "[null]", "true", '{"data":1}'])
def test_values_of_another_kind(wrong: str) -> None:
    text = (PAGES / "discussion-1.x.json").read_text(encoding="utf-8")
    for name in ("attributes", "relationships", "data", "included", "contentHtml", "number", "createdAt", "likesCount"):
        head, _, tail = text.partition(f'"{name}":')
        changed = f'{head}"{name}":{wrong},"was":{tail}'
        parsed = parse(changed)
        assert parsed.containers == len(parsed.posts)


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("discussion-2.x.html", "Fever after stent - Ward"),
        ("discussion-2.x.html", "<cite>"),
        ("discussion-2.x.html", "{"),
    ],
)
def test_hostile_pages_do_not_last(name: str, place: str) -> None:
    verify_never_hangs(ENGINE, PAGES / name, place)


def test_deep_json_is_refused() -> None:
    assert parse('{"data":' + "[" * 100_000).page_kind == PageKind.UNKNOWN
