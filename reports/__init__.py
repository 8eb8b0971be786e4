"""The outputs of a run, one module each."""
