"""A pytest plugin: fixtures and marks that run your tests against the emulator. See docs/testing.md.

pytest finds it by its entry point, in every project where tensorone is installed. So it imports pytest alone, and the
rest inside the fixtures.
"""
