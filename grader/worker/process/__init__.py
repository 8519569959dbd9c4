"""The worker's processes: a supervisor, and a child process for each session.

Modules here start and end processes, carry frames between them, enforce limits and clean up. The
answers to questions, and everything that runs student code, belong in `probes` and `student_code`.
"""
