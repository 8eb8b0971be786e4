"""The stackproof command."""
