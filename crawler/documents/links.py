"""Addresses in plain text."""

import re

_ADDRESS = re.compile(r"https?://[^\s<>\"\[\]]+", re.IGNORECASE)


def links_in(text: str) -> list[str]:
    """Whole http and https addresses that a text spells out, in order, each once.

    Addresses that the forum shortened for display ("https://host/globalassets...paper.pdf") lead nowhere: left out.
    """
    found: dict[str, None] = {}
    for match in _ADDRESS.finditer(text):
        address = match[0].rstrip(".,;:!?'*_\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}")
        while address.endswith(")") and address.count("(") < address.count(")"):
            address = address[:-1].rstrip(".,;:!?")
        if "..." not in address and "\N{HORIZONTAL ELLIPSIS}" not in address and len(address) > len("https://"):
            found[address] = None
    return list(found)
