"""What the student reads: a page (HTML), the same as Markdown, and the terminal's version."""
