"""The prompt library: versions of prompts, which of them is live, and how they do on questions."""
