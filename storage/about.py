"""What an archive says of itself (`archive.json`): its format, its id, and which key made its pseudonyms."""

import os
import secrets
from pathlib import Path

import msgspec

from crawler.errors import ArchiveError, KeyMissingError
from storage.keys import KEY_FILE_VARIABLE, Pseudonyms, make_key, read_key

_FORMAT = 1
_ABOUT = "archive.json"
_BEFORE_FIRST_USE = frozenset({"landing"})
"""What may be in the folder before the archive is: a landing that waits. Hidden files may, too."""


class About(msgspec.Struct):
    """The content of `archive.json`."""

    format: int
    id: str
    key_fingerprint: str


def read_about(root: Path) -> About | None:
    """What the archive in `root` says of itself; None where there is none.

    Raises:
        ArchiveError: it is damaged, or of another format.
    """
    path = root / _ABOUT
    try:
        about = msgspec.json.decode(path.read_bytes(), type=About)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ArchiveError(f"{path} is damaged ({error}); put it back from a copy.") from error
    if about.format != _FORMAT:
        raise ArchiveError(
            f"The archive {root} has format {about.format}, this version reads {_FORMAT}; use a newer one."
        )
    return about


def make_archive(root: Path, key_file: Path) -> About:
    """Makes the archive; of two processes that do so at once one wins.

    Raises:
        ArchiveError: the folder cannot be written, or holds something else.
    """
    root.mkdir(parents=True, exist_ok=True)
    if not os.access(root, os.W_OK | os.X_OK):
        raise ArchiveError(f"The folder {root} cannot be written; give another place, or the right to write there.")
    strange = sorted(
        entry.name for entry in root.iterdir() if entry.name not in _BEFORE_FIRST_USE and entry.name[0] != "."
    )
    if strange and not (root / _ABOUT).exists():
        raise ArchiveError(f"The folder {root} holds something else ({strange[0]}); give an empty or a new one.")
    about = About(_FORMAT, secrets.token_hex(8), make_key(key_file).fingerprint)
    aside = root / f".{_ABOUT}.{about.id}"
    try:
        aside.write_bytes(msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n")
        (root / _ABOUT).hardlink_to(aside)
    except FileExistsError:
        return read_about(root) or about
    finally:
        aside.unlink(missing_ok=True)
    return about


def key_of(about: About, root: Path, key_file: Path) -> Pseudonyms:
    """What makes the archive's pseudonyms.

    Raises:
        KeyMissingError: the key is not at `key_file`, or another one is.
    """
    pseudonyms = read_key(key_file)
    if pseudonyms is None:
        raise KeyMissingError(
            f"The archive {root} holds pseudonyms, and their key is not at {key_file}; put the key file back there, or "
            f"set {KEY_FILE_VARIABLE} to where it is."
        )
    if pseudonyms.fingerprint != about.key_fingerprint:
        raise KeyMissingError(
            f"The key in {key_file} is not the one that the archive {root} was made with; put that one back, or set "
            f"{KEY_FILE_VARIABLE} to where it is."
        )
    return pseudonyms
