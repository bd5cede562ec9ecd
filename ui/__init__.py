"""The pages: a thin client of the HTTP API that keeps nothing of its own."""
