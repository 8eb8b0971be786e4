"""Checks of a deploy, which run only at its gates (`--gate=pre`, `post` or `rollback`)."""
