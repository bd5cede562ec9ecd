"""Rated answers: what administrators read of them, and the rows that adapters learn from."""
