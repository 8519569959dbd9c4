"""Whether the grader is right: wrong work loses what it should, right work loses nothing."""
