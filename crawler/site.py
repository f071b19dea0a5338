"""Site files: one YAML per website, and all that the crawler may know about it in advance."""

import ipaddress
import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from crawler.errors import SiteFileError, SitePausedError, UsageError

SHIPPED_SITES = Path(__file__).parent / "sites"
SITES_VARIABLE = "MEDTHREADS_SITES"
"""Folders with further site files, separated as in PATH; a file there replaces a shipped one of the same name."""
CONTACT_VARIABLE = "MEDTHREADS_CONTACT"

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|min|h|d)?")
_UNITS = {None: 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class BoardChoice(BaseModel):
    """A board to crawl, by its address or by the name that the site's index gives it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str | None = Field(None, description="Address of its first page, absolute or relative to the site's url.")
    name: str | None = Field(None, description="Its title; where `url` is absent, it is looked up on the index.")

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.url and not self.name:
            raise ValueError("give the board's `url` or its `name`")
        return self


class Expectation(BaseModel):
    """Minimums that a whole crawl of the site must reach; below them nothing is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    boards: int = Field(0, ge=0)
    threads: int = Field(0, ge=0)
    posts: int = Field(0, ge=0)


class Site(BaseModel):
    """One website to archive. `name`, `url` and `engine` suffice; all else has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Lower case, digits, - and _.")]
    url: str = Field(description="Where the site's index (list of boards) is.")
    engine: str = Field("auto", description="Forum software, such as xenforo2; auto recognises it.")
    title: str | None = Field(None, description="The site's name for people.")
    why: str | None = Field(None, description="Why it is archived, who runs it, what it holds: for a stranger.")
    uncertain: str | None = Field(None, description="What could not be checked when this file was written.")
    boards: list[BoardChoice] = Field(default_factory=list, description="Boards to crawl; all of them where empty.")
    schedule: str | None = Field("0 0 * * *", description="Cron expression in UTC; null for by hand only.")
    delay: float = Field(5.0, ge=0, description="Least seconds between two requests (or 500ms, 5s, 1min).")
    budget: int | None = Field(None, ge=1, description="Most requests of one run; null for no limit.")
    expect: Expectation = Expectation()
    privacy: Literal["keep", "pseudonymise", "drop"] = Field("pseudonymise", description="What becomes of authors.")
    allow_private_addresses: bool = Field(False, description="Whether the site may be on a private or loopback host.")
    contact: str | None = Field(None, description="Address the site's staff can write to; goes into the user agent.")
    credentials: str | None = Field(
        None, description="Name of the credentials it needs: Airflow Connection, or prefix of environment variables."
    )
    paused: str | None = Field(None, description="Why it must not be crawled at all until this line is removed.")
    owner: str = Field("medthreads", description="Who looks after it; shown in Airflow.")
    tags: list[str] = Field(default_factory=list, description="Labels for Airflow.")

    @field_validator("boards", mode="before")
    @classmethod
    def _boards_may_be_addresses(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"url": entry} if isinstance(entry, str) else entry for entry in value]
        return value

    @field_validator("delay", mode="before")
    @classmethod
    def _delay_may_have_a_unit(cls, value: object) -> object:
        if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
            return float(match["number"]) * _UNITS[match["unit"]]
        return value

    @field_validator("url")
    @classmethod
    def _url_is_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https address with a host")
        return value

    @property
    def host(self) -> str:
        """Host name of `url`, without port."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_loopback(self) -> bool:
        """Whether the site is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def delay_interval(self) -> timedelta:
        """`delay` as an interval."""
        return timedelta(seconds=self.delay)


def load_site(path: Path) -> Site:
    """The site that a YAML file declares.

    Raises:
        SiteFileError: it is missing, is no YAML mapping, or a field is wrong; the message names file and field.
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
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        others = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise SiteFileError(f"The site file {path}, field `{where}`: {first['msg']}{others}.") from error


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
                site = load_site(path)
                if site.name != path.stem:
                    raise SiteFileError(f"The site file {path} says `name: {site.name}`; file and name must agree.")
            except SiteFileError as fault:
                faults.append(fault)
            else:
                sites[site.name] = site
    return sites, faults


def find_site(name_or_path: str, environ: Mapping[str, str] = os.environ) -> Site:
    """A registered site by name, or the one that a YAML file declares.

    Raises:
        UsageError: there is no such site; the message lists those there are.
        SiteFileError: its file cannot be used.
    """
    if name_or_path.endswith((".yaml", ".yml")):
        return load_site(Path(name_or_path))
    sites, faults = usable_sites(environ)
    if name_or_path not in sites:
        unusable = [fault for fault in faults if f"{name_or_path}.yaml" in str(fault)]
        if unusable:
            raise unusable[0]
        raise UsageError(
            f"No site is called {name_or_path!r}. Registered: {', '.join(sites)}; or give the path of a YAML file."
        )
    return sites[name_or_path]


def contact_of(site: Site, environ: Mapping[str, str] = os.environ) -> str | None:
    """Whom the site's staff can write to: the site file's `contact`, else MEDTHREADS_CONTACT."""
    return site.contact or environ.get(CONTACT_VARIABLE) or None


def why_paused(site: Site, environ: Mapping[str, str] = os.environ) -> str | None:
    """The reason why the site may not be crawled as things stand, as one sentence; None where it may."""
    if site.paused:
        return f"{site.name} is paused: {site.paused.rstrip('.')}."
    if not site.is_loopback and not contact_of(site, environ):
        return (
            f"{site.name} is paused: a live site is crawled only under an honest user agent; set {CONTACT_VARIABLE} "
            f"(or `contact:` in the site file) to an address its staff can write to."
        )
    if site.credentials:
        missing = [name for name in credential_variables(site) if not environ.get(name)]
        if missing:
            return (
                f"{site.name} is paused: its API needs credentials; set {' and '.join(missing)} in the environment "
                f"(or the Airflow Connection {site.credentials!r})."
            )
    return None


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
