"""How each fact is observed."""
