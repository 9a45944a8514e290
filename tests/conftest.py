"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# These machines are shared: how long one example takes says nothing.
settings.register_profile("byway", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("byway")
