"""Pages of a file as marked pictures, and marked copies of it, made in a process that has neither network nor files.

A plain library: it knows no request, no database and no permission. `runner` starts the process, `child` is the process.
"""
