"""What `grader init` writes for an instructor to start from: a homework, and workflows for CI."""
