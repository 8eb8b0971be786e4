"""What every part of the project shares. It imports nothing of ours."""
