"""Pseudonyms of authors, and the secret that makes them.

The secret is 32 random bytes as hexadecimal digits, in a file outside the archive: MEDTHREADS_KEY_FILE, else
`<archive>.key` beside the archive's folder. Without it nobody can tell which name stands behind a pseudonym, not even
by trying names; so it must neither travel with the archive nor be lost.
"""

import base64
import contextlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from crawler.errors import ArchiveError, KeyMissingError

KEY_FILE_VARIABLE = "MEDTHREADS_KEY_FILE"
PLACEHOLDERS = frozenset({"", "[deleted]", "[removed]"})
"""What sites show in place of an author who is gone; nobody's name."""

_SECRET_BYTES = 32


class Pseudonyms:
    """Makes pseudonyms with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._made: dict[tuple[str, str], str] = {}

    def author_key(self, site: str, name: str | None) -> str | None:
        """The pseudonym of an author: `a` and 26 characters of base 32 (130 bits of HMAC-SHA256).

        The name is taken in Unicode normal form C. None for None and for placeholders such as `[deleted]`.
        """
        if name is None or name in PLACEHOLDERS:
            return None
        made = self._made.get((site, name))
        if made is None:
            message = f"{site}\0{unicodedata.normalize('NFC', name)}".encode("utf-8", "surrogatepass")
            digest = hmac.digest(self._secret, message, "sha256")
            made = "a" + base64.b32encode(digest).decode("ascii")[:26].lower()
            self._made[site, name] = made
        return made

    def sealed(self, content_hash: str) -> str:
        """The hash of a content of which the archive hides a part, as 32 hexadecimal digits.

        Made with the secret: from a plain hash whoever has the rest of the text could find a masked number by trying.
        """
        return hmac.digest(self._secret, b"\0content\0" + content_hash.encode("ascii"), "sha256").hex()[:32]

    def mark(self, site: str, kind: str, value: str) -> str:
        """What tells an erased value again without telling which it is: 24 hexadecimal digits."""
        message = f"\0mark\0{site}\0{kind}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, message, "sha256").hex()[:24]

    def stream(self, name: str, purpose: str, content: bytes) -> bytes:
        """32 bytes that only the holder of the secret can make; see `storage.suppressions.sealed`."""
        return hmac.digest(self._secret, f"\0sealed\0{purpose}\0{name}\0".encode() + content, "sha256")

    @property
    def fingerprint(self) -> str:
        """What tells this secret from another one without giving it away."""
        return hmac.digest(self._secret, b"\0fingerprint of the key", "sha256").hex()[:32]


def key_file_for(location: str, environ: Mapping[str, str] = os.environ, needed: bool = True) -> Path:
    """Where the secret of the archive at `location` (a folder or s3:// address) is kept.

    Args:
        needed: whether it will be read; else an archive on S3 may do without MEDTHREADS_KEY_FILE.

    Raises:
        KeyMissingError: the archive is on S3 and MEDTHREADS_KEY_FILE is not set.
        ArchiveError: MEDTHREADS_KEY_FILE is inside the archive.
    """
    named = environ.get(KEY_FILE_VARIABLE)
    if "://" in location:
        if not named and needed:
            raise KeyMissingError(
                f"The archive {location} needs a key for its pseudonyms: set {KEY_FILE_VARIABLE} to a local file; it "
                "is made there if there is no archive yet."
            )
        return Path(named or f"({KEY_FILE_VARIABLE} is not set)")
    folder = Path(location).resolve()
    if not named:
        return folder.with_name(folder.name + ".key")
    if Path(named).resolve().is_relative_to(folder):
        raise ArchiveError(
            f"{KEY_FILE_VARIABLE} is {named}, inside the archive {folder}; keep the key outside, or it travels along."
        )
    return Path(named)


def read_key(path: Path) -> Pseudonyms | None:
    """The pseudonyms of the secret in a key file; None where there is no such file.

    Raises:
        KeyMissingError: the file is there, but cannot be read or holds no key.
    """
    try:
        text = path.read_text(encoding="ascii").strip()
        secret = bytes.fromhex(text)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyMissingError(f"The key file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise KeyMissingError(f"The key file {path} holds no key; put the archive's key back there.") from error
    if len(secret) != _SECRET_BYTES:
        raise KeyMissingError(f"The key file {path} holds no key; put the archive's key back there.")
    return Pseudonyms(secret)


def make_key(path: Path) -> Pseudonyms:
    """Makes a secret (mode 0600) where there is none, and gives the one that is there then.

    The file appears with its whole content or not at all, and never replaces another: of two processes that start
    at once one wins, and both use its secret.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        aside.unlink(missing_ok=True)
    made = read_key(path)
    if made is None:
        raise KeyMissingError(f"The key file {path} could not be made.")
    return made
