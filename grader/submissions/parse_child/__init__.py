"""Reads untrusted files in a process of its own, with limits and without privileges.

Archives, notebooks, documents and scripts are never parsed in the grader's own process: a parser can
be made slow, hungry or wrong by what it reads, and would hold up everybody's grading. `start` is the
grader's side: it starts `python -m grader.submissions.parse_child` with an empty environment, waits,
and checks what it says. `limits` is what the child does to itself before it opens a file of a student.
"""
