"""Marking by people: the page of `grader mark`, and its CSV."""
