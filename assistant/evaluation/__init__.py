"""Evaluation: labelled questions go through the product's own turn, and their answers are scored."""
