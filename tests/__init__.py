"""Tests, in folders that mirror the packages of `grader/`; `support/` has what several share."""
