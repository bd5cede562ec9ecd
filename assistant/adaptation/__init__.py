"""Adaptation: rows become data sets, data sets become adapters, adapters are measured, exported and published."""
