"""`python -m proxy`: the command `startgate`."""

from proxy.cli import main

if __name__ == "__main__":
    main(prog_name="startgate")
