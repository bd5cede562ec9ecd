"""Memory: what a person asked to be remembered, recalled for that person alone."""
