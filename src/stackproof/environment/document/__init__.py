"""Environment files as documents: YAML, variables, inheritance, and messages about mistakes."""
