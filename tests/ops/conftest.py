"""Settings of the property tests: no deadline, since a test machine may be busy."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("ops", deadline=None, max_examples=200)
settings.load_profile("ops")
