"""What every test shares: what is computed once is kept away from the user's own."""

from collections.abc import Iterator

import pytest

pytest_plugins = ["support.moto", "support.postgres"]


@pytest.fixture(scope="session", autouse=True)
def _cache_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Train the classifiers of data sets once for all tests, and read none that an older version has left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEPER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
