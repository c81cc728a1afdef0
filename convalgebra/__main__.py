"""The entry of the command line: `convalgebra`, or `python -m convalgebra`."""

import gc


def main() -> None:
    """Run the command line."""
    # A process of a tenth of a second would spend a sixth of it looking for garbage: in what it
    # imports, and once more in everything when it ends.
    gc.set_threshold(50_000, 50, 50)
    from convalgebra.cli import main as run

    try:
        run(prog_name="convalgebra")
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
