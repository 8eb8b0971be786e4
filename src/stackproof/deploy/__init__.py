"""The gates of a deploy: baseline, settling and comparison, without pytest."""
