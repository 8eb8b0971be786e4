"""Is it true? One file a concern, one function a check."""
