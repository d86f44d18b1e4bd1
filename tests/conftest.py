"""What holds for every test."""

from hypothesis import settings

# How long one example takes says nothing on a machine that is busy with other tests; pytest's timeout bounds the whole.
settings.register_profile("startgate", deadline=None)
settings.load_profile("startgate")
