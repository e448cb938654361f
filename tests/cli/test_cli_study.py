"""Protects a real sweep with its study in PostgreSQL: a restart of the server is not noticed, its password is nowhere.

Its file says where the study is, so that nobody goes on with it elsewhere by forgetting to.
"""

from contextlib import closing
from pathlib import Path

import pytest
from calling import SMALL, Sweeper, call_console_script, check_complaint, contents, disturb_console_script
from support.postgres import PASSWORD, Postgres
from swept import the_only_sweep

from sweeper.search import read_records
from sweeper.search.postgres import PostgresReplica
from sweeper.spec import read_spec

SECRETS = (PASSWORD, PASSWORD.replace("%40", "@"))


def without_password(url: str) -> str:
    return url.replace(f":{PASSWORD}@", "@")


@pytest.mark.sweep
def test_a_server_that_restarts_and_a_password_that_is_kept(
    tmp_path: Path, postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.yaml").write_text(SMALL)
    monkeypatch.setenv("SWEEPER_STUDY", database)
    ended = disturb_console_script(
        *("run", "small.yaml", "--home", "home", "--tracking-uri", "none"),
        cwd=tmp_path,
        at="1/4 ",
        disturb=lambda process: postgres.restart(),
    )
    assert ended.code == 0, ended
    folder = the_only_sweep(tmp_path / "home")
    assert [record.state for record in read_records(folder)] == ["complete"] * 4
    assert read_spec(folder / "sweep.yaml").settings.study == without_password(database)
    with closing(PostgresReplica(database, folder.name)) as replica:
        assert replica.load() == (folder / "study.journal").read_bytes()
    for secret in SECRETS:
        assert secret not in ended.out + ended.err
        assert [path for path, content in contents(tmp_path).items() if secret.encode() in content] == []

    monkeypatch.delenv("SWEEPER_STUDY")
    refused = call_console_script("resume", folder.name, "--home", "home", "--tracking-uri", "none", cwd=tmp_path)
    assert refused.code == 1
    assert "no password supplied" in refused.err, "the sweep must not go on elsewhere"


@pytest.mark.parametrize("url", ["mysql://ann:{}@host/db", "postgresql://ann:{}@b@host/db", "{}"])
@pytest.mark.parametrize("command", [("run", "small.yaml"), ("resume", "any")])
def test_what_is_no_url_of_a_database_is_refused_unseen(
    sweeper: Sweeper, workplace: Path, command: tuple[str, ...], url: str
) -> None:
    line = check_complaint(sweeper(*command, "--study", url.format(PASSWORD)))
    assert line.startswith("error: --study: must be postgresql:// and USER@HOST:PORT/DATABASE")
    assert PASSWORD not in line
    assert sorted(path.name for path in workplace.iterdir()) == ["small.yaml"]


def test_a_database_that_does_not_answer_leaves_nothing_behind(sweeper: Sweeper, workplace: Path) -> None:
    line = check_complaint(sweeper("run", "small.yaml", "--study", f"postgresql://ann:{PASSWORD}@127.0.0.1:9/db"), 1)
    assert line.startswith("error: postgresql://127.0.0.1:9/db: connection failed: ")
    assert PASSWORD not in line
    assert list((workplace / "sweeps").iterdir()) == []
