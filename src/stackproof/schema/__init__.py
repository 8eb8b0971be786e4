"""Building blocks of the environment model: its base class and the types of values."""
