"""Protects the start-up time: reading a file needs nothing slow, and naming the package not even pydantic."""

import json
import subprocess
import sys

import pytest

import sweeper.spec

SLOW = {"torch", "ray", "optuna", "mlflow", "numpy", "scipy", "sklearn", "pandas", "models"}


def imported_by(code: str) -> set[str]:
    """Return the top-level packages that a new interpreter has imported after running some code."""
    report = "import json, sys; print(json.dumps([name for name in sys.modules if '.' not in name]))"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(json.loads(run.stdout))


def test_importing_the_package_is_quick() -> None:
    assert imported_by("import sweeper.spec") & (SLOW | {"pydantic"}) == set()


def test_reading_a_file_imports_nothing_slow() -> None:
    text = "name: a\\ndata: b\\nmodel: c\\nobjective: d\\ntraining: {}\\nsweep: {trials: 1}"
    found = imported_by(f"import sweeper.spec; sweeper.spec.parse_spec('{text}').space('all').count()")
    assert "pydantic" in found
    assert found & SLOW == set()


def test_every_public_name_exists_and_no_other() -> None:
    assert [name for name in sweeper.spec.__all__ if getattr(sweeper.spec, name, None) is None] == []
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        sweeper.spec.Nothing  # type: ignore[attr-defined]  # noqa: B018
