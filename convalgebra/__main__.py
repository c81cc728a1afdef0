"""The entry of the command line: `convalgebra`, or `python -m convalgebra`."""

import gc
import sys


def main() -> None:
    """Run the command line."""
    # A process of a tenth of a second would spend a sixth of it looking for garbage: in what it
    # imports, and once more in everything when it ends.
    gc.set_threshold(50_000, 50, 50)
    try:
        from convalgebra.cli import main as run

        run(prog_name="convalgebra")
    except KeyboardInterrupt:  # while it is imported; later the command line takes care of it
        sys.exit(130)
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
