"""`python -m grader.worker`: a supervisor that reads questions on stdin, answers on stdout."""

from grader.worker.process.supervisor import serve

if __name__ == "__main__":
    serve()
