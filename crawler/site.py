"""Site files: one YAML per website, and all that the crawler may know about it in advance."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from crawler.addresses import holds_user, is_loopback
from crawler.cron import CRON_PRESETS, is_cron
from crawler.errors import SiteFileError, SitePausedError, UsageError

SHIPPED_SITES = Path(__file__).parent / "sites"
SITES_VARIABLE = "MEDTHREADS_SITES"
"""Folders with further site files, separated as in PATH; a file there replaces a shipped one of the same name."""
CONTACT_VARIABLE = "MEDTHREADS_CONTACT"
ENGINE_NAMES = (
    *("auto", "discourse", "feed", "flarum", "generic", "invision", "mybb", "nodebb", "phpbb", "reddit", "smf"),
    *("vanilla", "vbulletin", "xenforo1", "xenforo2"),
)
"""What `engine` may say. Not taken from crawler.engines: DAG files are parsed often and must import little."""

_CONTACT = re.compile(r"[^\s@]+@[^\s@]+|(?<!\S)/?u/[\w-]{2,}|https?://[^\s/]+")
_CONTACT_IS = "an e-mail address, /u/name or a web address"
_SUBREDDIT = re.compile(r"\w{2,}", re.ASCII)
LONGEST_DELAY = 86400
"""Most seconds between two requests that a site file may say."""
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|min|h|d)?")
_UNITS = {None: 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class BoardChoice(BaseModel):
    """A board to crawl, by its address or by the name that the site's index gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(None, description="Address of its first page, absolute or relative to the site's url.")
    name: str | None = Field(None, description="Its title; where `url` is absent, it is looked up on the index.")

    @field_validator("url")
    @classmethod
    def _url_is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not _has_host_and_port_that_can_be(value):
            raise ValueError("must be an address, absolute or relative to the site's")
        return value

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.url and not self.name:
            raise ValueError("give the board's `url` or its `name`")
        return self


class Expectation(BaseModel):
    """Minimums that a whole crawl of the site must reach, and what it no longer shows; else nothing is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boards: int = Field(0, ge=0)
    threads: int = Field(0, ge=0)
    posts: int = Field(0, ge=0)
    without: tuple[str, ...] = Field(
        (), description="Fields that the site has stopped to show, as the layout alarm names them: post.position."
    )


class Site(BaseModel):
    """One website to archive. `name`, `url` and `engine` suffice; all else has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Lower case, digits, - and _.")]
    url: str = Field(description="Where the site's index (list of boards) is.")
    engine: str = Field("auto", description="Forum software, one of ENGINE_NAMES; auto recognises forums.")
    title: str | None = Field(None, description="The site's name for people.")
    why: str | None = Field(None, description="Why it is archived, who runs it, what it holds: for a stranger.")
    uncertain: str | None = Field(None, description="What could not be checked when this file was written.")
    boards: list[BoardChoice] = Field(
        default_factory=list, validate_default=True, description="Boards to crawl; all of a forum where empty."
    )
    schedule: str | None = Field("0 0 * * *", description="Cron expression in UTC; null for by hand only.")
    delay: float = Field(
        5.0,
        ge=0,
        le=LONGEST_DELAY,
        allow_inf_nan=False,
        description="Least seconds between two requests (or 500ms, 5s, 1min); at most a day.",
    )
    budget: int | None = Field(None, ge=1, description="Most requests of one run; null for no limit.")
    timeout: float = Field(
        30.0, ge=1, le=300, allow_inf_nan=False, description="Most seconds for one answer to come whole (or 30s, 1min)."
    )
    revisits: bool = Field(
        True, description="Whether known threads are looked at again for edits and deletions that no listing shows."
    )
    expect: Expectation = Expectation()
    privacy: Literal["keep", "pseudonymise", "drop"] = Field(
        "pseudonymise", description="What becomes of authors. Identifiers in texts are masked in any case."
    )
    purge_deleted: bool = Field(
        False,
        description="Whether what is deleted at the site is taken out of the archive too, but for the bare fact, as "
        "soon as the deletion was seen: some sites' terms ask for it.",
    )
    api: bool = Field(
        True, description="Read through the JSON API of its software, where that has one; false: read its pages."
    )
    allow_private_addresses: bool = Field(False, description="Whether the site may be on a private or loopback host.")
    contact: str | None = Field(None, description="Address the site's staff can write to; goes into the user agent.")
    credentials: str | None = Field(
        None,
        description="Name of the credentials it needs: Airflow Connection, or prefix of environment variables. Reddit "
        "always needs some; there it is the site's name where absent.",
    )
    paused: str | None = Field(None, description="Why it must not be crawled at all until this line is removed.")
    owner: str = Field("medthreads", description="Who looks after it; shown in Airflow.")
    tags: list[str] = Field(default_factory=list, description="Labels for Airflow.")

    @model_validator(mode="before")
    @classmethod
    def _reddit_needs_credentials(cls, declared: object) -> object:
        if isinstance(declared, dict) and declared.get("engine") == "reddit" and not declared.get("credentials"):
            return {**declared, "credentials": declared.get("name")}
        return declared

    @field_validator("engine")
    @classmethod
    def _engine_is_known(cls, value: str) -> str:
        if value not in ENGINE_NAMES:
            raise ValueError(f"no engine is called {value!r}; there are {', '.join(ENGINE_NAMES)}")
        return value

    @field_validator("boards", mode="before")
    @classmethod
    def _boards_may_be_addresses(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"url": entry} if isinstance(entry, str) else entry for entry in value]
        return value

    @field_validator("boards")
    @classmethod
    def _boards_of_reddit_are_subreddits(cls, value: list[BoardChoice], info: ValidationInfo) -> list[BoardChoice]:
        if info.data.get("engine") != "reddit":
            return value
        if not value:
            raise ValueError("Reddit is never crawled whole; name subreddits, such as r/Cardiology")
        for board in value:
            if not _names_subreddit(board.url or board.name or ""):
                raise ValueError(f"{board.url or board.name!r} names no subreddit; write it like r/Cardiology")
        return value

    @field_validator("schedule")
    @classmethod
    def _schedule_is_cron(cls, value: str | None) -> str | None:
        if value is not None and not is_cron(value):
            raise ValueError(
                f"{value!r} is no schedule; write five cron fields like '15 3 * * *', or one of "
                f"{', '.join(sorted(CRON_PRESETS))}, or null for by hand only"
            )
        return value

    @field_validator("contact")
    @classmethod
    def _contact_can_be_written_to(cls, value: str | None) -> str | None:
        if value is not None and not is_contact(value):
            raise ValueError(f"{value!r} is nothing that the site's staff can write to; give {_CONTACT_IS}")
        return value

    @field_validator("delay", "timeout", mode="before")
    @classmethod
    def _may_have_a_unit(cls, value: object) -> object:
        if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            return float(match["number"]) * _UNITS[match["unit"]]
        return value

    @field_validator("url")
    @classmethod
    def _url_is_http(cls, value: str) -> str:
        if not value.lower().startswith(("http://", "https://")) or not _has_host_and_port_that_can_be(value):
            raise ValueError("must be an http or https address with a host, and with a port from 1 to 65535 if any")
        if holds_user(value):
            raise ValueError("must not hold a user name or password: it stands in logs, receipts and the archive")
        return value

    @property
    def host(self) -> str:
        """Host name of `url`, without port."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        """Whether the site is on this machine."""
        return is_loopback(self.host)


def _has_host_and_port_that_can_be(address: str) -> bool:
    """Whether urllib can take the address apart; a relative one needs no host."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    has_host = bool(parts.hostname or not (parts.scheme or parts.netloc)) and " " not in parts.netloc
    return port != 0 and has_host and address.isprintable()


def folded(title: str) -> str:
    """A board's title as those of site files and indexes are compared: whatever its spaces and capitals."""
    return " ".join(title.split()).casefold()


def _names_subreddit(board: str) -> bool:
    # As crawler.walks.reddit.subreddit() reads it.
    parts = [part for part in urlsplit(board).path.split("/") if part]
    name = parts[parts.index("r") + 1] if "r" in parts[:-1] else "".join(parts[-1:])
    return _SUBREDDIT.fullmatch(name) is not None


def is_contact(text: str) -> bool:
    """Whether the text holds something to write to: an e-mail address, /u/name or a web address."""
    return text.isprintable() and _CONTACT.search(text) is not None


def load_site(path: Path) -> Site:
    """The site that a YAML file declares.

    Raises:
        SiteFileError: it is missing, is no YAML mapping, or fields are wrong; the message names each of them.
    """
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteFileError(f"Cannot read the site file {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SiteFileError(f"The site file {path} is not UTF-8 text: {error.reason}.") from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise SiteFileError(f"The site file {path} is not valid YAML: {problem}.") from error
    if not isinstance(declared, dict):
        raise SiteFileError(f"The site file {path} must hold `name:` and `url:`; it holds no mapping.")
    try:
        return Site.model_validate(declared)
    except ValidationError as error:
        faults = "; ".join(_told(fault) for fault in error.errors())
        # Pydantic's own account is a page long and says the same.
        raise SiteFileError(f"The site file {path}, {faults}.") from None


def _told(fault: ErrorDetails) -> str:
    """A fault of one field; our own words without the prefix that pydantic puts before them."""
    where = ".".join(str(part) for part in fault["loc"])
    own = fault.get("ctx", {}).get("error")
    return f"field `{where}`: {own or fault['msg']}"


def site_folders(environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Where site files are looked for; later ones win."""
    further = [Path(entry) for entry in environ.get(SITES_VARIABLE, "").split(os.pathsep) if entry]
    return [SHIPPED_SITES, *further]


def registry(environ: Mapping[str, str] = os.environ) -> dict[str, Site]:
    """All registered sites by name.

    Raises:
        SiteFileError: one of the files cannot be used, or its name is not its file's.
    """
    sites, faults = usable_sites(environ)
    if faults:
        raise faults[0]
    return sites


def usable_sites(environ: Mapping[str, str] = os.environ) -> tuple[dict[str, Site], list[SiteFileError]]:
    """The registered sites whose files can be used, and what is wrong with the others."""
    sites: dict[str, Site] = {}
    faults: list[SiteFileError] = []
    for folder in site_folders(environ):
        for path in sorted(folder.glob("*.yaml")):
            try:
                site = _load_registered(path)
            except SiteFileError as fault:
                faults.append(fault)
                # The shipped site that it was to replace must not be crawled in its place, unnoticed.
                sites.pop(path.stem, None)
            else:
                sites[site.name] = site
    return sites, faults


def _load_registered(path: Path) -> Site:
    site = load_site(path)
    if site.name != path.stem:
        raise SiteFileError(f"The site file {path} says `name: {site.name}`; file and name must agree.")
    return site


def find_site(name_or_path: str, environ: Mapping[str, str] = os.environ) -> Site:
    """A registered site by name, or the one that a YAML file declares.

    Raises:
        UsageError: there is no such site; the message lists those there are.
        SiteFileError: its file cannot be used.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return load_site(Path(name_or_path))
    sites, _ = usable_sites(environ)
    if name_or_path in sites:
        return sites[name_or_path]
    for folder in site_folders(environ):
        for path in folder.glob("*.yaml"):
            if path.stem == name_or_path:
                return _load_registered(path)  # raises what is wrong with it
    raise UsageError(
        f"No site is called {name_or_path!r}. Registered: {', '.join(sites)}; or give the path of a YAML file."
    )


def registered_name(host: str, sites: Mapping[str, Site]) -> str | None:
    """Name of the site that has this host, or one that it stands below; None where none has."""
    hosts = {site.host.removeprefix("www."): name for name, site in sites.items()}
    bare = host.lower().removeprefix("www.")
    parents = (bare.split(".", n)[-1] for n in range(bare.count(".") + 1))
    return next((hosts[parent] for parent in parents if parent in hosts), None)


def contact_of(site: Site, environ: Mapping[str, str] = os.environ) -> str | None:
    """Whom the site's staff can write to: the site file's `contact`, else MEDTHREADS_CONTACT if it is a contact."""
    given = site.contact or environ.get(CONTACT_VARIABLE, "")
    return given if is_contact(given) else None


def why_paused(site: Site, environ: Mapping[str, str] = os.environ) -> str | None:
    """The reason why the site may not be crawled as things stand, as one sentence; None where it may."""
    if site.paused:
        return (
            f"{site.name} is paused: {site.paused.strip().rstrip('.')} (docs/adding-a-site.md says how to take it up)."
        )
    lacks = _lacks(site, environ)
    return f"{site.name} is paused: {'; '.join(lacks.values())}." if lacks else None


def paused_state(site: Site, environ: Mapping[str, str] = os.environ) -> str:
    """`ready`, or `paused: ` with the reason in a few words: what a table has room for."""
    if site.paused:
        return f"paused: {site.paused.strip().rstrip('.')}"
    lacks = _lacks(site, environ)
    return f"paused: {', '.join(lacks)}" if lacks else "ready"


def _lacks(site: Site, environ: Mapping[str, str]) -> dict[str, str]:
    """What the operator has not given yet, in a few words, with what to do about it."""
    lacks = {}
    if not site.is_loopback and not contact_of(site, environ):
        given = environ.get(CONTACT_VARIABLE)
        lacks["no contact"] = (
            f"a live site is crawled only under an honest user agent"
            f"{f', and {given!r} is no contact' if given else ''}: set {CONTACT_VARIABLE} (or `contact:` in the site "
            f"file) to an address its staff can write to ({_CONTACT_IS})"
        )
    if site.credentials:
        missing = [name for name in credential_variables(site) if not environ.get(name)]
        if missing:
            lacks["no credentials"] = (
                f"its API needs credentials: set {' and '.join(missing)} in the environment "
                f"(or the Airflow Connection {site.credentials!r})"
            )
    return lacks


def refuse_if_paused(site: Site, environ: Mapping[str, str] = os.environ) -> None:
    """Raises:
    SitePausedError: the site may not be crawled as things stand.
    """
    if reason := why_paused(site, environ):
        raise SitePausedError(reason)


def credential_variables(site: Site) -> tuple[str, str]:
    """Environment variables of the site's credentials: client id and secret."""
    prefix = (site.credentials or site.name).upper().replace("-", "_")
    return f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET"
