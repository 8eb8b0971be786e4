"""An engine behind `ssh://`: one OpenSSH master connection and everything that it carries."""
