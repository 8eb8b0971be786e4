"""Tests of the checks of containers: what runs, and as what it was created."""
