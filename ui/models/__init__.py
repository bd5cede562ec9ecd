"""Models: who answers, how well, and what an administrator changes about it."""
