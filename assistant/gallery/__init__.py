"""The gallery: assistants that people set up and share, each a model, a prompt, collections and skills under a name."""
