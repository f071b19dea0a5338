"""What an archive says of itself (`archive.json`): its format, its id, and which key made its pseudonyms."""

import os
import secrets
from pathlib import Path

import msgspec

from crawler.errors import ArchiveError, KeyMissingError
from storage.files import Files
from storage.keys import KEY_FILE_VARIABLE, Pseudonyms, make_key, read_key

_FORMAT = 1
ABOUT = "archive.json"
_BEFORE_FIRST_USE = frozenset({"landing"})
"""What may be in the folder before the archive is: a landing that waits. Hidden files may, too."""


class About(msgspec.Struct):
    """The content of `archive.json`."""

    format: int
    id: str
    key_fingerprint: str


def read_about(files: Files) -> About | None:
    """What the archive says of itself; None where there is none.

    Raises:
        ArchiveError: it is damaged, or of another format.
    """
    where = files.uri(ABOUT)
    try:
        about = msgspec.json.decode(files.read(ABOUT), type=About)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{where} is damaged ({error}); put it back from a copy.") from error
    if about.format != _FORMAT:
        raise ArchiveError(
            f"The archive {files.location} has format {about.format}, this version reads {_FORMAT}; use a newer one."
        )
    return about


def make_archive(files: Files, key_file: Path) -> About:
    """Makes the archive; of two processes that do so at once one wins.

    Raises:
        ArchiveError: the folder cannot be written, or holds something else.
    """
    if (root := files.local) is not None:
        root.mkdir(parents=True, exist_ok=True)
        if not os.access(root, os.W_OK | os.X_OK):
            raise ArchiveError(f"The folder {root} cannot be written; give another place, or the right to write there.")
    names = (entry.name for entry in root.iterdir()) if root else (entry.path.split("/")[0] for entry in files.list())
    strange = next((name for name in names if name not in _BEFORE_FIRST_USE and name[0] != "."), None)
    if strange and not files.exists(ABOUT):
        raise ArchiveError(f"{files.location} holds something else ({strange}); give an empty or a new folder.")
    about = About(_FORMAT, secrets.token_hex(8), make_key(key_file).fingerprint)
    if not files.create(ABOUT, msgspec.json.format(msgspec.json.encode(about), indent=2) + b"\n"):
        return read_about(files) or about
    return about


def key_of(about: About, location: str, key_file: Path) -> Pseudonyms:
    """What makes the archive's pseudonyms.

    Raises:
        KeyMissingError: the key is not at `key_file`, or another one is.
    """
    pseudonyms = read_key(key_file)
    if pseudonyms is None:
        raise KeyMissingError(
            f"The archive {location} holds pseudonyms, and their key is not at {key_file}; put the file back there, "
            f"or set {KEY_FILE_VARIABLE} to where it is."
        )
    if pseudonyms.fingerprint != about.key_fingerprint:
        raise KeyMissingError(
            f"The key in {key_file} is not the one that the archive {location} was made with; put that one back, or "
            f"set {KEY_FILE_VARIABLE} to where it is."
        )
    return pseudonyms
