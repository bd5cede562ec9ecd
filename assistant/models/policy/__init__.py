"""A policy that learns whom to ask and how, from what became of earlier answers; off unless shown to be better."""
