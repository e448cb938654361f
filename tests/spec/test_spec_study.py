"""Protects where a study may be: a URL of PostgreSQL in the file, and no password, neither there nor in a message."""

from collections.abc import Callable

import pytest

from sweeper.errors import UsageError
from sweeper.spec import Spec
from sweeper.spec.study import ALLOWED, StudyUrl, parse_study_url

SECRET = "s3cret"
NOT_SHOWN = f"found another URL, which is not shown as it may hold a password; {ALLOWED}"
A_PASSWORD = "found a password; must be without: give it by SWEEPER_STUDY (the whole URL), PGPASSWORD or PGPASSFILE"

URLS = [
    ("postgresql://host/db", "postgresql://host/db", "postgresql://host/db", "postgresql://host/db", ()),
    (
        "postgres://ann@host:5432/db",
        "postgresql://ann@host:5432/db",
        "postgresql://ann@host:5432/db",
        "postgresql://host:5432/db",
        (),
    ),
    ("postgresql+psycopg2://host/db", "postgresql://host/db", "postgresql://host/db", "postgresql://host/db", ()),
    (
        "postgresql+psycopg://a:b@[::1]:5/db?password=c",
        "postgresql://a:b@[::1]:5/db?password=c",
        "postgresql://a@[::1]:5/db",
        "postgresql://[::1]:5/db",
        ("b", "c"),
    ),
    (
        "postgresql:///db?host=/run",
        "postgresql:///db?host=/run",
        "postgresql:///db?host=/run",
        "postgresql:///db",
        (),
    ),
    (
        "postgresql://a:p%40ss@one,two:7/db?sslmode=require&sslpassword=x",
        "postgresql://a:p%40ss@one,two:7/db?sslmode=require&sslpassword=x",
        "postgresql://a@one,two:7/db?sslmode=require",
        "postgresql://one,two:7/db",
        ("p%40ss", "x"),
    ),
]
NO_URLS = [
    f"postgresql://ann:{SECRET}@",
    f"postgresql://ann:{SECRET}@host",
    f"postgresql://ann:{SECRET}@x@host/db",
    f"postgresql://ann:{SECRET}/x@host/db",
    f"postgresql://ann:12/{SECRET}?x@host/db",
    f"postgresql://ann:{SECRET}#@host/db",
    f"postgresql://ann: {SECRET}@host/db",
    f"postgresql+asyncpg://ann:{SECRET}@host/db",
    f"mysql://ann:{SECRET}@host/db",
    f"host=host password={SECRET}",
    "sqlite:///x.db",
    "",
]


@pytest.mark.parametrize(("text", "url", "public", "place", "secrets"), URLS)
def test_a_url_is_read_as_the_library_reads_it_and_shown_without_secrets(
    text: str, url: str, public: str, place: str, secrets: tuple[str, ...]
) -> None:
    assert parse_study_url(text) == StudyUrl(url, public, place, secrets)


@pytest.mark.parametrize("text", NO_URLS)
def test_what_could_be_taken_for_another_url_is_refused_unseen(make_spec: Callable[..., Spec], text: str) -> None:
    assert parse_study_url(text) is None
    with pytest.raises(UsageError) as raised:
        make_spec(sweep=f'{{trials: 4, study: "{text}"}}')
    assert str(raised.value).endswith(f": sweep.study: {NOT_SHOWN}")


@pytest.mark.parametrize("url", [f"postgresql://ann:{SECRET}@host/db", f"postgresql://host/db?password={SECRET}"])
def test_a_password_is_refused_in_the_file(make_spec: Callable[..., Spec], url: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_spec(sweep=f'{{trials: 4, study: "{url}"}}')
    assert str(raised.value).endswith(f": sweep.study: {A_PASSWORD}")
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", [*(text for text in NO_URLS if " " not in text and "://" in text), f"postgresql://ann:{SECRET}@host/db"]
)
def test_an_override_is_not_quoted_with_its_password(make_spec: Callable[..., Spec], url: str) -> None:
    with pytest.raises(UsageError) as raised:
        make_spec(f"sweep.study={url}")
    assert SECRET not in str(raised.value)


def test_a_study_in_a_database_is_written_and_read_back(make_spec: Callable[..., Spec]) -> None:
    spec = make_spec("sweep.study=postgresql://ann@host/db")
    assert spec.settings.study == "postgresql://ann@host/db"
    assert "study: postgresql://ann@host/db\n" in spec.to_yaml()
    assert make_spec().settings.study is None
