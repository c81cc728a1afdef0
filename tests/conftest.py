"""The same examples at every run: a failure that one sees is a failure that everybody sees."""

from hypothesis import settings

settings.register_profile("fixed", derandomize=True, deadline=None, database=None)
settings.load_profile("fixed")
