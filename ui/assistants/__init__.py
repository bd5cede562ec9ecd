"""The gallery of assistants: found, begun a chat with, made and shared."""
