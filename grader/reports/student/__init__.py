"""A student's feedback as HTML and Markdown: the results that they may see today, texts made safe,
plots as SVG, and the templates. The report on the class is in `grader.reports.class_report`.
"""
