"""The checks: one module for each concern, one function for each check."""
