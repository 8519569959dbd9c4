"""Sandboxes: start a worker beside a student's code, talk to it, and say how each question ended.

Here are the interface (`base`), its implementations (`docker/`, `process`, `unprivileged`, `warm`),
the conversation with a worker, the schema of its answers, and whose fault a failure is. What to ask
belongs in `grader.checks`, what runs inside a sandbox in `grader.worker`, and when a worker may run
in `grader.run`.
"""
