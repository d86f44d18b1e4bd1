"""What holds for every test."""

import os

from hypothesis import settings

# How long one example takes says nothing on a machine that is busy with other tests; pytest's timeout bounds the whole.
# Where it is fixed what is tried, as in CI, what fails once fails always; anywhere else each run tries something new.
FIXED = os.environ.get("FIXED_EXAMPLES") == "1"
settings.register_profile("startgate", deadline=None, derandomize=FIXED)
settings.load_profile("startgate")
