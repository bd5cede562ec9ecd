"""Answers that administrators write."""
