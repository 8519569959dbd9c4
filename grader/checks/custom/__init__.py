"""Checks that instructors write: the interface for their files, the loader, and reading answers.

Built-in checks do not use this package.
"""
