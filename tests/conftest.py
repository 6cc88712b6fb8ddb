"""How far property-based tests search: the same few examples on every run, or many new ones (`--hypothesis-profile fuzz`)."""

from hypothesis import HealthCheck, settings

large_worlds = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("quick", large_worlds, max_examples=100, derandomize=True, database=None)
settings.register_profile("fuzz", large_worlds, max_examples=3000)
settings.load_profile("quick")
