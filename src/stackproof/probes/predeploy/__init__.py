"""What a deploy needs: the Compose file, its images and secrets, and variables."""
