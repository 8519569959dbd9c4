"""Pairs of submissions with similar code: their file, and the page with both sides."""
