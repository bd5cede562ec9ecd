"""Curated answers: what administrators have written for questions that are often asked."""
