"""The plugins of stackproof. What each does stands in its own module."""

pytest_plugins = [
    "fixtures.collection",
    "fixtures.snapshot",
    "fixtures.subjects",
    "fixtures.seen.containers",
    "fixtures.seen.host",
    "fixtures.seen.proxy",
    "fixtures.seen.routes",
    "fixtures.seen.services",
    "reports.classification",
    "reports.allure_labels",
    "reports.verdict_file",
    "reports.terminal",
]
