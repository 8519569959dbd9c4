"""The class report: what all students' grades come to, on one page."""
