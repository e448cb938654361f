"""The URL of the database that a sweep's study is in: what it may be, and what of it may be shown."""

import re
from dataclasses import dataclass

_NAME = r"[^\s:/?#@]*"
_URL = re.compile(
    rf"postgres(?:ql)?(?:\+psycopg2?)?://(?P<rest>(?:(?P<user>{_NAME})(?::(?P<password>{_NAME}))?@)?"
    r"(?P<place>[^\s/?#@]*/[^\s/?#@]+)(?:\?(?P<options>[^\s#@]*))?)"
)
_PASSWORD = re.compile(r"(?:^|&)\w*password=(?P<password>[^&]*)", re.IGNORECASE)

ALLOWED = "must be postgresql:// and USER@HOST:PORT/DATABASE, with %40 for @, %2F for / and %3A for : within a name"
"""What is said of any other URL, which is not quoted: what is wrong with it may be in its password."""


@dataclass(frozen=True)
class StudyUrl:
    """A URL that the client library of PostgreSQL reads as it was meant.

    Attributes:
        url: the URL, without the name of a driver that SQLAlchemy has in it.
        public: the same without passwords, which the client library takes from elsewhere then.
        place: where the database is, without user and options.
        secrets: what must not be shown, as it stands in the URL.

    """

    url: str
    public: str
    place: str
    secrets: tuple[str, ...]


def parse_study_url(url: str) -> StudyUrl | None:
    """Return what a URL says, ``None`` where it is none of PostgreSQL's or could be taken for another than is meant."""
    match = _URL.fullmatch(url)
    if match is None:
        return None
    secrets = [match["password"], *_PASSWORD.findall(match["options"] or "")]
    user = "" if match["user"] is None else f"{match['user']}@"
    kept = [option for option in (match["options"] or "").split("&") if option and not _PASSWORD.match(option)]
    public = f"postgresql://{user}{match['place']}" + ("?" + "&".join(kept) if kept else "")
    place = f"postgresql://{match['place']}"
    return StudyUrl(f"postgresql://{match['rest']}", public, place, tuple(filter(None, secrets)))
