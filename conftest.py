"""The plugins of stackproof. What each does stands in its own module."""

pytest_plugins = [
    "fixtures.gate",
    "fixtures.collection",
    "fixtures.whole",
    "fixtures.waivers",
    "fixtures.snapshot",
    "fixtures.confirmation",
    "fixtures.subjects",
    "fixtures.seen",
    "fixtures.baseline",
    "fixtures.comparison",
    "fixtures.exclusion",
    "reports.classification",
    "reports.allure_labels",
    "reports.verdict_file",
    "reports.github",
    "reports.terminal",
]
