"""The command line: commands, their options, progress and summaries in a terminal.

Only this package prints, reads options and decides exit codes. A command calls `grader.api` or the
package that does the work; anything that a program might want to call belongs there, not here.
"""
