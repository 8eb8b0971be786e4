"""Files: read without blocking, written completely or not at all."""
