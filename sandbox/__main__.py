"""`python -m sandbox`: the sandbox without the rest of the command line."""

from sandbox.command import sandbox

if __name__ == "__main__":
    sandbox(prog_name="sandbox")
