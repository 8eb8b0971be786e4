"""The same checks, written the usual way, timed side by side with stackproof."""
