"""The plugins of stackproof. What each does stands in its own module."""

pytest_plugins = [
    "fixtures.collection",
    "fixtures.whole",
    "fixtures.waivers",
    "fixtures.exclusion",
    "fixtures.snapshot",
    "fixtures.confirmation",
    "fixtures.subjects",
    "fixtures.seen",
    "reports.classification",
    "reports.allure_labels",
    "reports.verdict_file",
    "reports.github",
    "reports.terminal",
]
