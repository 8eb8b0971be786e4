"""nginx on a real engine: many healthy and broken variants of what the checks judge."""
