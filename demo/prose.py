"""Makes the demo's sentences: each thread has one subject with its own choice of words, which all its posts share."""

from random import Random
from typing import TypeVar

from msgspec import Struct

from demo.body import Body, Break, Items, Link, Mention, Paragraph, Strong, paragraph
from demo.vocabulary import ASIDES, HOSPITALS, QUALIFIERS, SUBJECTS, Subject

COMMON = {
    "percent": ("2", "4", "7", "9", "12", "18", "23"),
    "minutes": ("20", "30", "45", "60", "90"),
    "count": ("12", "18", "26", "34", "48", "61"),
}

_AGREE = (
    "Agree with most of this.", "Same experience at {here}.", "This is close to what we do at {here}.",
    "I second that.", "Good thread, thank you for starting it.", "We went through exactly this at {here}.",
)  # fmt: skip
_DOUBT = (
    "I am not so sure.", "Respectfully, I see it differently.", "That has not been our experience at {here}.",
    "I would be careful with that.", "Hmm, this depends a lot on volume.", "Devil's advocate here.",
)  # fmt: skip
_ASK_BACK = (
    "May I ask: {ask}?", "Curious: {ask}?", "What I keep wondering is this: {ask}?", "Slightly off topic, but {ask}?",
)  # fmt: skip
_ANSWER = (
    "On your question ({ask}): {detail}.", "To the question {ask_short} the short answer is: {detail}.",
    "You asked: {ask}? In our hands: {detail}.", "Regarding {ask_short}, I would say {detail}.",
)  # fmt: skip
_GROUND = (
    "{claim}.", "What changed our minds: {claim_low}.", "In my experience {claim_low}.",
    "Our numbers from {here} say that {claim_low}.",
    "It is only one center, but {claim_low}.", "I used to think otherwise, but {claim_low}.",
)  # fmt: skip
_TIP = (
    "Practical tip: {detail}.", "Our recipe is simple: {detail}.", "What I tell the fellows: {detail}.",
    "If it helps: {detail}.", "Nothing fancy, just {detail}.",
)  # fmt: skip
_CLOSE = (
    "Happy to share our protocol.", "I would love to see real data on this.", "Just my two cents.",
    "Let us know how it goes.",
    "Your mileage may vary.", "We review it again in the spring.", "Will update this thread in a month.",
)  # fmt: skip
_OPENING_CLOSE = (
    "Grateful for any experience, good or bad.", "Interested in what larger centers do.", "Thanks in advance!",
    "No patient details please, this is about the general approach.", "I will summarize the answers in this thread.",
)  # fmt: skip
_SHORT = (
    "Thanks, that helps a lot.", "+1", "Following.", "Any update on this?", "Bump - still interested.",
    "This. Exactly this.",
    "Great summary, thank you.", "Sent you a message.",
)  # fmt: skip
_EDITS = (
    "Edit: corrected the dose.", "Edit: typo fixed.", "Edit: we have since changed this, see below.",
    "Edit: added the numbers that were asked for.", "Edit: clarified, thanks for the messages.",
)  # fmt: skip
_PAPERS = (
    ("https://journals.example.org/article/{n}", "this paper"),
    ("https://guidelines.example.net/statement?id={n}&lang=en", "the 2025 statement"),
    ("https://trials.example.org/NCT{n}", "the registry entry"),
)


class Story(Struct, frozen=True):
    """A thread's subject with its words chosen: what all its posts speak about."""

    subject: Subject
    words: dict[str, str]
    title: str
    asks: tuple[str, ...]


_T = TypeVar("_T")


def pick(rng: Random, choices: tuple[_T, ...]) -> _T:
    """One of the choices (cheaper than `random.choice`)."""
    return choices[int(rng.random() * len(choices))]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _lower(text: str) -> str:
    """As inside a sentence; names and abbreviations keep their capital."""
    first = text.split(" ", 1)[0]
    return text[0].lower() + text[1:] if first[1:].islower() or first == "A" else text


def story(rng: Random, board_id: int) -> Story:
    """Subject, words, title and questions of a new thread of that board."""
    fitting = tuple(subject for subject in SUBJECTS if board_id in subject.boards) or SUBJECTS
    subject = pick(rng, fitting)
    words = {slot: pick(rng, choices) for slot, choices in {**COMMON, **subject.slots}.items()}
    words["hospital"] = pick(rng, HOSPITALS)
    title = _capital(pick(rng, subject.titles).format_map(words))
    first = int(rng.random() * len(subject.asks))
    asks = tuple(subject.asks[(first + step) % len(subject.asks)].format_map(words) for step in range(2))
    return Story(subject, words, title, asks)


def opening(rng: Random, told: Story) -> Body:
    """The opening post: the situation, and what is asked."""
    words = told.words
    situation = pick(rng, told.subject.openings).format_map(words)
    claim = pick(rng, told.subject.claims).format_map(words)
    blocks: list[Paragraph | Items] = [paragraph(_capital(situation) + f" So far: {_lower(claim)}.")]
    if rng.random() < 0.45:
        blocks.append(paragraph("My questions:"))
        details = tuple(f"{_capital(ask)}?" for ask in told.asks)
        blocks.append(Items(details, ordered=rng.random() < 0.5))
    else:
        blocks.append(paragraph(f"{_capital(told.asks[0])}? And {told.asks[1]}?"))
    if rng.random() < 0.25:
        blocks.append(_with_paper(rng, "Background reading: "))
    blocks.append(paragraph(pick(rng, _OPENING_CLOSE)))
    return tuple(blocks)


def _with_paper(rng: Random, before: str) -> Paragraph:
    url, label = pick(rng, _PAPERS)
    return paragraph(before, Link(url.format(n=10_000 + int(rng.random() * 80_000)), label), ".")


def reply(rng: Random, told: Story, *, mention: tuple[int, str] | None = None) -> Body:
    """An answer to the opening post: agreement or doubt, experience, a tip, a question back."""
    if rng.random() < 0.09:
        return (paragraph(pick(rng, _SHORT)),)
    words = dict(told.words)
    # A reply speaks of its own hospital and figures, but of the thread's subject.
    for slot, choices in COMMON.items():
        words[slot] = pick(rng, choices)
    details = told.subject.details
    first = int(rng.random() * len(details))
    claim = pick(rng, told.subject.claims).format_map(words) + pick(rng, QUALIFIERS).format_map(words)
    ask = pick(rng, told.asks)
    slot = pick(rng, tuple(name for name in told.subject.slots if name != "year"))
    words["alternative"] = pick(rng, tuple(one for one in told.subject.slots[slot] if one != told.words[slot]))
    words["other"] = pick(rng, HOSPITALS)
    filled = {
        "here": pick(rng, HOSPITALS), "ask": ask, "ask_short": f'"{ask}"', "claim": _capital(claim),
        "claim_low": _lower(claim),
    }  # fmt: skip

    def say(templates: tuple[str, ...], detail: int = 0) -> str:
        text = details[(first + detail) % len(details)].format_map(words)
        return _capital(pick(rng, templates).format_map({**filled, "detail": text}))

    sentences = [say(_AGREE if rng.random() < 0.6 else _DOUBT)] if rng.random() < 0.7 else []
    sentences.append(say(_GROUND))
    sentences += [pick(rng, ASIDES).format_map(words) for _ in range(int(rng.random() * 3))]
    blocks: list[Paragraph | Items] = []
    lead: tuple[Mention | str, ...] = (Mention(*mention), " ") if mention else ()
    blocks.append(paragraph(*lead, " ".join(sentences)))
    shape = rng.random()
    if shape < 0.35:
        blocks.append(paragraph(say(_ANSWER)))
    elif shape < 0.5:
        blocks.append(paragraph(say(_ANSWER), Break(), say(_TIP, 1)))
    elif shape < 0.6:
        blocks.append(paragraph("What we do:"))
        blocks.append(Items(tuple(_capital(details[(first + n) % len(details)].format_map(words)) for n in range(3))))
    elif shape < 0.75:
        blocks.append(paragraph(Strong("Short version:"), " " + say(_TIP)))
    if rng.random() < 0.12:
        blocks.append(_with_paper(rng, "See also "))
    if rng.random() < 0.3:
        filled["ask"] = pick(rng, told.subject.asks).format_map(words)
        blocks.append(paragraph(say(_ASK_BACK)))
    elif rng.random() < 0.3:
        blocks.append(paragraph(pick(rng, _CLOSE)))
    return tuple(blocks)


def edited(rng: Random, body: Body) -> Body:
    """The body as its author left it after one edit more."""
    return (*body, paragraph(pick(rng, _EDITS)))


def excerpt(body: Body) -> Body:
    """The part of a body that a partial quote shows: its first paragraph."""
    return next(((block,) for block in body if isinstance(block, Paragraph)), body[:1])
