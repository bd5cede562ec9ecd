"""The page about what is remembered of oneself."""
