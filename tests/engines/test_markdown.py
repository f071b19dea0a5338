"""Reddit's Markdown: own lines, quotes, links."""

import pytest

from crawler.engines.markdown import comparable, find_links, read_markdown


@pytest.mark.parametrize(
    ("source", "own", "quotes"),
    [
        ("> quoted\n\nown", "own", ["quoted"]),
        (">quoted\n>on two lines\n\nown", "own", ["quoted\non two lines"]),
        ("> quoted\nlazily continued\n\nown", "own", ["quoted\nlazily continued"]),
        ("> quoted\n\n> quoted again\n\nown", "own", ["quoted", "quoted again"]),
        ("> one\n>\n> two\n\nown", "own", ["one\n\ntwo"]),
        ("> outer\n>> inner\n> outer again", "", ["outer\n\nouter again"]),
        (">> only the inner one\n\nown", "own", ["only the inner one"]),
        ("before\n> in the middle of a paragraph\n\nafter", "before\n\nafter", ["in the middle of a paragraph"]),
        ("> quoted\n- a list is the author's", "- a list is the author's", ["quoted"]),
        ("> quoted\n>!spoiler!<", ">!spoiler!<", ["quoted"]),
        (">", "", []),
        (">!a spoiler!< is no quote", ">!a spoiler!< is no quote", []),
        ("\\> an escaped mark is none", "\\> an escaped mark is none", []),
        ("a > b", "a > b", []),
        ("    > indented code", "    > indented code", []),
        ("```\n> fenced code\n```\nown", "```\n> fenced code\n```\nown", []),
        ("```\n> an open fence is none", "```", ["an open fence is none"]),
        ("- item\n\n    > quoted in a list\n\n- item", "- item\n\n- item", ["quoted in a list"]),
        ("1. **one**\n2. [two](x)", "1. **one**\n2. [two](x)", []),
        ("hard  \nbreak\r\nand line", "hard\nbreak\nand line", []),
        ("a\n\n&#x200B;\n\n\n&nbsp;\nb &amp; c &copy; ?a=1&copy=2", "a\n\nb & c \u00a9 ?a=1&copy=2", []),
        ("&#55357; &#0;", "\ufffd \ufffd", []),
        ("", "", []),
    ],
)
def test_own_lines_and_quotes(source, own, quotes):
    reading = read_markdown(source)
    assert (reading.own, reading.quotes) == (own, quotes)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("[a](https://e.org/x) and https://e.org/y.", ["https://e.org/x", "https://e.org/y"]),
        ("(see https://e.org/a_(b)), www.e.org", ["https://e.org/a_(b)", "http://www.e.org"]),
        ('[a](https://e.org/a_(b) "title") [c](/r/Cardiology)', ["https://e.org/a_(b)", "/r/Cardiology"]),
        (r"[a](https://e.org/a\_b\))", ["https://e.org/a_b)"]),
        ("[https://e.org/...](https://e.org/whole)", ["https://e.org/whole"]),
        ("<https://e.org> **https://e.net**", ["https://e.org", "https://e.net"]),
        ("[1]: https://e.org/reference", ["https://e.org/reference"]),
        ("`https://e.org/code` me@www.e.org", []),
        ("[search](/search?q=two words)", ["/search?q=two words"]),
    ],
)
def test_links_in_order(text, links):
    assert find_links(text) == links


def test_links_of_quotes_and_code_are_not_the_authors():
    assert read_markdown("> https://e.org/q\n\n    https://e.org/code\n\nhttps://e.org/own").links == [
        "https://e.org/own"
    ]


def test_a_quotation_compares_with_what_it_was_copied_from():
    written = "See **the** [guideline](https://e.org/g) \u2018now\u2019\nplease"
    assert comparable(written) == comparable("see the guideline  'now' please")
