"""Loads and splits the datasets that students train on.

Modules here run on the host, without torch. How students' code finds the data inside the sandbox
belongs in `worker/`.
"""
