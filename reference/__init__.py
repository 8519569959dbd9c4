"""The reference solution. It wears the interface of a student's submission and runs like one.

The worker mounts this folder in a container that has numpy, torch and torchvision only, so nothing
else is imported when these files are; the command line (`cli.py`) imports what it needs when run.
"""
