"""The grader inside Gradescope's own container: what is uploaded there, and what runs there."""
