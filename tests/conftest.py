"""How far property-based tests search: the same few examples on every run, or many new ones (`--hypothesis-profile fuzz`)."""

from hypothesis import HealthCheck, settings

slow_data = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("quick", max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=slow_data)
settings.register_profile("fuzz", max_examples=3000, deadline=None, suppress_health_check=slow_data)
settings.load_profile("quick")
