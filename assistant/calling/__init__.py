"""Calls of skills: what is called with whose rights, what waits for approval, what takes minutes."""
