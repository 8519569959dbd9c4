"""Where a student's code runs, and whose fault it is when it ends badly."""
