"""Everything that can end a command, as one tree; each leaf has its own exit code.

MedthreadsError
├── UsageError                2   the call itself: unknown site, bad date
├── SiteFileError             3   a site file that cannot be used
├── SitePausedError           4   contact or credentials missing: nothing was fetched
├── ArchiveError              5   the archive cannot be read or written as asked
│   ├── KeyMissingError       6   an archive without the key of its pseudonyms
│   ├── DiskFullError         7
│   ├── DamagedArchiveError   16  its files are not as they were written, or do not agree
│   └── SupersededError       9   another crawl took the place of this one, which had been silent
├── BusyError                 8   another crawl of the same host is running
├── CrawlFailedError
│   ├── BlockedError          10  403, 429, a challenge, or robots.txt says no
│   ├── LoginWallError        11
│   ├── LayoutChangedError    12  pages came, nothing could be read from them; or: not a forum
│   ├── EmptyCrawlError       13
│   └── UnreachableError      14
├── CheckFailedError          15  landed, but not published: a check of the site's minimums did not hold
└── InterruptedCrawlError     130 stopped by a signal; the same command goes on
"""

from typing import ClassVar


class MedthreadsError(Exception):
    """A cause that a person can act on; its message is one sentence: what, where, what to do."""

    exit_code: ClassVar[int] = 1
    outcome: ClassVar[str] = "failed"
    """Word for receipts and the Airflow UI."""


class UsageError(MedthreadsError):
    """The call cannot be carried out as it is written."""

    exit_code = 2


class SiteFileError(MedthreadsError):
    """A site file is missing, is no YAML, or says something that cannot be."""

    exit_code = 3


class SitePausedError(MedthreadsError):
    """The site needs something of the operator (contact, credentials) before it may be crawled."""

    exit_code = 4
    outcome = "paused"


class ArchiveError(MedthreadsError):
    """The archive's folder cannot be used."""

    exit_code = 5


class KeyMissingError(ArchiveError):
    """The archive holds pseudonyms, and their key is not where it should be."""

    exit_code = 6


class DiskFullError(ArchiveError):
    """No space left; what was landed before stays."""

    exit_code = 7
    outcome = "disk full"


class DamagedArchiveError(ArchiveError):
    """A verification found files that are not as they were written, or tables that do not agree."""

    exit_code = 16
    outcome = "damaged"


class BusyError(MedthreadsError):
    """Another process is crawling the same host into the same archive."""

    exit_code = 8
    outcome = "busy"


class SupersededError(ArchiveError):
    """This crawl was stopped, hung or cut off for so long that another one took its place; it may write no more."""

    exit_code = 9
    outcome = "superseded"


class CrawlFailedError(MedthreadsError):
    """The crawl ended with nothing that should be published."""

    outcome = "failed"


class BlockedError(CrawlFailedError):
    """The site refuses us."""

    exit_code = 10
    outcome = "blocked"


class LoginWallError(CrawlFailedError):
    """The site shows what was asked for to members only."""

    exit_code = 11
    outcome = "login wall"


class LayoutChangedError(CrawlFailedError):
    """Pages came, but no record could be read from them."""

    exit_code = 12
    outcome = "layout changed"


class EmptyCrawlError(CrawlFailedError):
    """The site answered, and listed nothing."""

    exit_code = 13
    outcome = "empty"


class UnreachableError(CrawlFailedError):
    """No answer from the site."""

    exit_code = 14
    outcome = "unreachable"


class CheckFailedError(MedthreadsError):
    """A named check does not hold; the landing stays for a look and a retry, nothing was committed."""

    exit_code = 15
    outcome = "check failed"


class InterruptedCrawlError(MedthreadsError):
    """A signal ended the crawl; its landing is closed, and the same command goes on from there."""

    exit_code = 130
    outcome = "interrupted"
