"""Single values of a JSON answer: typed, and None where the answer holds something else."""


def text_of(value: object) -> str | None:
    """A text that says something."""
    return value if isinstance(value, str) and value.strip() else None


def truth_of(value: object) -> bool | None:
    """A boolean; numbers are none."""
    return value if isinstance(value, bool) else None
