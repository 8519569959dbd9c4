"""Finds code that does more than homework needs, and so could forge what its process reports.

Student code shares a process with the worker. What only that process can tell, such as a training's
modes and optimizer groups, counts without a person only for code that stays within an allowlist:
imports, attributes, dynamic names, assignments, files. `review` reads the syntax tree of every
file that can run. Each thing outside gives a remark with its line. A remark costs no points.
"""

from grader.submissions.allowlist.reviewing import Remark, imports_of, remarks, review

__all__ = ["Remark", "imports_of", "remarks", "review"]
