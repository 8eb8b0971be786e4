"""The state of this process: its resources, its standard streams, and what the run has written."""
