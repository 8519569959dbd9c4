"""`python -m grader.worker`: the supervisor, with questions on stdin and answers on stdout."""

from grader.worker.process.supervisor import serve

if __name__ == "__main__":
    serve()
