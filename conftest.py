"""The plugins of stackproof. What each does stands in its own module."""

pytest_plugins = [
    "fixtures.collection",
    "fixtures.snapshot",
    "fixtures.subjects",
]
