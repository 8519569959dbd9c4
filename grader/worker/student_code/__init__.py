"""student_code."""
