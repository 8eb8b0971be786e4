"""The plugins of stackproof. What each does stands in its own module."""

pytest_plugins = [
    "fixtures.gate",
    "fixtures.collection",
    "fixtures.snapshot",
    "fixtures.subjects",
    "fixtures.planned_subjects",
    "fixtures.baseline",
    "fixtures.comparison",
    "reports.classification",
    "reports.allure_labels",
    "reports.verdict_file",
    "reports.terminal",
]
