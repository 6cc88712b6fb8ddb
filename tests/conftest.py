"""How far property-based tests search: the same few examples on every run, or many new ones (`--hypothesis-profile fuzz`).

The user's own key of checkpoints is left alone: tests have one of their own.
"""

import pytest
from hypothesis import HealthCheck, settings

large_worlds = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("quick", large_worlds, max_examples=50, derandomize=True, database=None)
settings.register_profile("fuzz", large_worlds, max_examples=3000)
settings.load_profile("quick")


@pytest.fixture(autouse=True, scope="session")
def key_of_the_tests(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield
