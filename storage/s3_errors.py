"""What S3 and the way there say when they fail, in sentences that a person can act on. Pure: texts in, texts out."""

import re

from crawler.errors import ArchiveError

_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_STATUS = re.compile(r"status code[^\d]*(\d{3})")
_RAISED = re.compile(r"^(?:[\w.]+\.)?ArchiveError: (.+)$", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|↳")
"""deltalake writes its causes as a tree."""

_WRONG_CREDENTIALS = frozenset(
    {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "TokenRefreshRequired"}
)
_WRONG_REGION = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"})
_UNREACHABLE = {
    "Connection refused": "the connection is refused",
    "dns error": "the name is not known",
    "failed to lookup": "the name is not known",
    "timed out": "no answer in time",
    "timeout": "no answer in time",
    "Network is unreachable": "there is no way there",
    "certificate": "its certificate is not trusted",
    "error sending request": "the connection breaks off",
    "connection closed": "the connection breaks off",
    "Connection reset": "the connection breaks off",
    "error decoding response body": "the connection breaks off",
    "request or response body error": "the connection breaks off",
}

NO_CREDENTIALS = (
    "There are no credentials for {location}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (AWS_SESSION_TOKEN too "
    "where they are temporary), or run on a machine whose role may use the bucket."
)


def s3_error(location: str, text: str, endpoint: str | None = None) -> ArchiveError:
    """The error for what obstore, deltalake or DuckDB said of a request for the archive at `location`."""
    text = _COLOURS.sub("", text)
    bucket = location.removeprefix("s3://").split("/")[0]
    code = next(iter(_CODE.findall(text)), "")
    status = next(iter(_STATUS.findall(text)), "")
    if code == "NoSuchBucket":
        return ArchiveError(f"There is no bucket {bucket}; make it, or correct the archive's address {location}.")
    if code in _WRONG_CREDENTIALS or status == "401":
        return ArchiveError(
            f"S3 does not know the credentials for {location} ({code or status}); set AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY and, where they are temporary, AWS_SESSION_TOKEN anew."
        )
    if code in _WRONG_REGION or status == "301" or "without LOCATION" in text:
        return ArchiveError(f"The bucket {bucket} is in another region; set AWS_REGION to that of the bucket.")
    if status == "403":
        return ArchiveError(
            f"These credentials may not do with {location} what was asked (403 {code or 'Forbidden'}); docs/s3.md "
            "lists the permissions that are needed."
        )
    if "169.254.169.254" in text or "CredentialsNotLoaded" in text or "The credential provider was not enabled" in text:
        return ArchiveError(NO_CREDENTIALS.format(location=location))
    if status.startswith("5") or status == "429":
        return ArchiveError(
            f"S3 answers with {f'{status} {code}'.strip()} again and again for {location}; run the same again later."
        )
    for sign, reason in _UNREACHABLE.items():
        if sign in text:
            return ArchiveError(
                f"S3 cannot be reached for {location} at {endpoint or 'its own address'}: {reason}; look at "
                "AWS_ENDPOINT_URL and the network, then run the same again."
            )
    said = " ".join(text.split("Debug source")[0].split())
    return ArchiveError(f"The archive {location} cannot be read or written: {said[:300].rstrip('. ')}.")


def may_pass(text: str) -> bool:
    """Whether what was said is of the network, or of a server that has too much to do: another try may go well."""
    if next(iter(_STATUS.findall(_COLOURS.sub("", text))), "5")[0] != "5":
        return False
    return any(sign in text for sign in (*_UNREACHABLE, "status code"))


def told_by_duckdb(text: str) -> ArchiveError | None:
    """The error that reading a file for DuckDB raised, which it hands on as the text of a traceback."""
    found = _RAISED.search(text)
    return ArchiveError(found[1]) if found else None
