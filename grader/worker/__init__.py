"""Runs beside the student's code, inside the sandbox: asks it the questions and observes it.

Imports the standard library, numpy, torch, torchvision, `grader.wire` and itself; nothing else of
the grader is here, and nothing that must stay secret ever comes in.
"""
