"""The tests of the kit; see README.md beside this file."""

import hypothesis

# how long an example takes is the machine's business, which may stop for a while
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")
