"""The kernels that have a name, with their entries and where these come from.

All entries are whole numbers. Many kernels are used divided by a number (a blur by the sum of its
entries, so that the mean brightness stays); a factor does not change what a kernel is a product of,
so it is left out here and told in the note.

Rows are as they are printed in the literature and as a cross-correlation applies them: the first
row is the upper one. `sobel` is the one that responds to a change along the rows (x); `sobel_y` is
its transpose.
"""

from __future__ import annotations

from typing import NamedTuple


class NamedKernel(NamedTuple):
    """The rows of a kernel as text, what it is for, and its source."""

    rows: str
    note: str


_PREWITT = "-1 0 1; -1 0 1; -1 0 1"
_SOBEL = "-1 0 1; -2 0 2; -1 0 1"
_SCHARR = "-3 0 3; -10 0 10; -3 0 3"

_DOG = "Gonzalez and Woods, Digital Image Processing"

KERNELS: dict[str, NamedKernel] = {
    "identity3": NamedKernel("0 0 0; 0 1 0; 0 0 0", "changes nothing"),
    "box2": NamedKernel("1 1; 1 1", "mean of 2x2 pixels, x 1/4"),
    "box3": NamedKernel("1 1 1; 1 1 1; 1 1 1", "mean of 3x3 pixels, x 1/9"),
    "box5": NamedKernel("; ".join(["1 1 1 1 1"] * 5), "mean of 5x5 pixels, x 1/25"),
    "box7": NamedKernel("; ".join(["1 1 1 1 1 1 1"] * 7), "mean of 7x7 pixels, x 1/49"),
    "cross3": NamedKernel("0 1 0; 1 1 1; 0 1 0", "mean of a pixel and its four neighbours, x 1/5"),
    "binomial3": NamedKernel("1 2 1; 2 4 2; 1 2 1", "rows of Pascal's triangle, x 1/16"),
    "binomial5": NamedKernel(
        "1 4 6 4 1; 4 16 24 16 4; 6 24 36 24 6; 4 16 24 16 4; 1 4 6 4 1",
        "rows of Pascal's triangle, x 1/256 (Burt and Adelson, The Laplacian Pyramid, 1983)",
    ),
    "binomial7": NamedKernel(
        "1 6 15 20 15 6 1; 6 36 90 120 90 36 6; 15 90 225 300 225 90 15;"
        " 20 120 300 400 300 120 20; 15 90 225 300 225 90 15; 6 36 90 120 90 36 6;"
        " 1 6 15 20 15 6 1",
        "rows of Pascal's triangle, x 1/4096",
    ),
    "gaussian5": NamedKernel(
        "1 4 7 4 1; 4 16 26 16 4; 7 26 41 26 7; 4 16 26 16 4; 1 4 7 4 1",
        "Gaussian of deviation 1 in whole numbers, x 1/273"
        " (Fisher, Perkins, Walker, Wolfart, Hypermedia Image Processing Reference)",
    ),
    "gaussian5_canny": NamedKernel(
        "2 4 5 4 2; 4 9 12 9 4; 5 12 15 12 5; 4 9 12 9 4; 2 4 5 4 2",
        "Gaussian of deviation 1.4 in whole numbers, x 1/159, as used before Canny's edges",
    ),
    "prewitt": NamedKernel(_PREWITT, "change along x (Prewitt 1970)"),
    "prewitt_y": NamedKernel("-1 -1 -1; 0 0 0; 1 1 1", "change along y"),
    "sobel": NamedKernel(_SOBEL, "change along x (Sobel and Feldman 1968)"),
    "sobel_y": NamedKernel("-1 -2 -1; 0 0 0; 1 2 1", "change along y"),
    "sobel5": NamedKernel(
        "-1 -2 0 2 1; -4 -8 0 8 4; -6 -12 0 12 6; -4 -8 0 8 4; -1 -2 0 2 1",
        "change along x on 5x5, as OpenCV's Sobel with ksize=5",
    ),
    "scharr": NamedKernel(_SCHARR, "change along x (Scharr 2000)"),
    "scharr_y": NamedKernel("-3 -10 -3; 0 0 0; 3 10 3", "change along y"),
    "roberts": NamedKernel("1 0; 0 -1", "change along a diagonal (Roberts 1963)"),
    "roberts_y": NamedKernel("0 1; -1 0", "change along the other diagonal"),
    "laplacian4": NamedKernel("0 1 0; 1 -4 1; 0 1 0", "Laplacian by the four neighbours"),
    "laplacian8": NamedKernel("1 1 1; 1 -8 1; 1 1 1", "Laplacian by the eight neighbours"),
    "laplacian_diagonal": NamedKernel(
        "1 0 1; 0 -4 0; 1 0 1", "Laplacian by the four diagonal neighbours, x 1/2"
    ),
    "laplacian9": NamedKernel(
        "1 4 1; 4 -20 4; 1 4 1", "nine-point Laplacian, x 1/6 (Collatz 1960)"
    ),
    "laplacian_oono_puri": NamedKernel(
        "1 2 1; 2 -12 2; 1 2 1", "isotropic Laplacian, x 1/4 (Oono and Puri 1987)"
    ),
    "log5": NamedKernel(
        "0 0 -1 0 0; 0 -1 -2 -1 0; -1 -2 16 -2 -1; 0 -1 -2 -1 0; 0 0 -1 0 0",
        f"Laplacian of a Gaussian on 5x5, sign turned ({_DOG})",
    ),
    "log9": NamedKernel(
        "0 1 1 2 2 2 1 1 0; 1 2 4 5 5 5 4 2 1; 1 4 5 3 0 3 5 4 1; 2 5 3 -12 -24 -12 3 5 2;"
        " 2 5 0 -24 -40 -24 0 5 2; 2 5 3 -12 -24 -12 3 5 2; 1 4 5 3 0 3 5 4 1;"
        " 1 2 4 5 5 5 4 2 1; 0 1 1 2 2 2 1 1 0",
        "Laplacian of a Gaussian of deviation 1.4 on 9x9 (Hypermedia Image Processing Reference)",
    ),
    "sharpen": NamedKernel("0 -1 0; -1 5 -1; 0 -1 0", "the image less its laplacian4"),
    "sharpen8": NamedKernel("-1 -1 -1; -1 9 -1; -1 -1 -1", "the image less its laplacian8"),
    "unsharp": NamedKernel(
        "-1 -4 -6 -4 -1; -4 -16 -24 -16 -4; -6 -24 476 -24 -6; -4 -16 -24 -16 -4; -1 -4 -6 -4 -1",
        "twice the image less its binomial5 blur, x 1/256",
    ),
    "outline": NamedKernel("-1 -1 -1; -1 8 -1; -1 -1 -1", "laplacian8, sign turned"),
    "emboss": NamedKernel("-2 -1 0; -1 1 1; 0 1 2", "relief lit along the diagonal"),
    "kirsch": NamedKernel("5 5 5; -3 0 -3; -3 -3 -3", "edge to the north (Kirsch 1971)"),
    "kirsch_nw": NamedKernel("5 5 -3; 5 0 -3; -3 -3 -3", "edge to the north-west"),
    "robinson": NamedKernel("1 2 1; 0 0 0; -1 -2 -1", "edge to the north (Robinson 1977)"),
    "robinson_nw": NamedKernel("2 1 0; 1 0 -1; 0 -1 -2", "edge to the north-west"),
    "line_h": NamedKernel("-1 -1 -1; 2 2 2; -1 -1 -1", f"horizontal line ({_DOG})"),
    "line_v": NamedKernel("-1 2 -1; -1 2 -1; -1 2 -1", f"vertical line ({_DOG})"),
    "line_d": NamedKernel("2 -1 -1; -1 2 -1; -1 -1 2", f"diagonal line ({_DOG})"),
    "bilinear": NamedKernel("1 2 1; 2 4 2; 1 2 1", "interpolation to twice the size, x 1/4"),
    "checkerboard": NamedKernel("1 -2 1; -2 4 -2; 1 -2 1", "second difference along both axes"),
}

# Other names of the same kernels.
ALIASES: dict[str, str] = {
    "identity": "identity3",
    "box": "box3",
    "mean3": "box3",
    "mean5": "box5",
    "binomial": "binomial3",
    "gaussian3": "binomial3",
    "gaussian": "binomial3",
    "prewitt3": "prewitt",
    "prewitt_x": "prewitt",
    "sobel3": "sobel",
    "sobel_x": "sobel",
    "scharr_x": "scharr",
    "scharr3": "scharr",
    "roberts_x": "roberts",
    "laplacian": "laplacian4",
    "laplace": "laplacian4",
    "laplacian_x": "laplacian_diagonal",
    "diagonal_laplacian": "laplacian_diagonal",
    "laplacian_of_gaussian": "log5",
    "log": "log5",
    "mexican_hat": "log5",
    "sharpen4": "sharpen",
    "unsharp5": "unsharp",
    "unsharp_mask": "unsharp",
    "edge": "outline",
    "kirsch_n": "kirsch",
    "robinson_n": "robinson",
}


def canonical(name: str) -> str | None:
    """The name in the table of a kernel that somebody calls so; None if nobody does.

    >>> canonical("Sobel-X"), canonical("gaussian3"), canonical("sobol")
    ('sobel', 'binomial3', None)
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    plain = ALIASES.get(plain, plain)
    return plain if plain in KERNELS else None


def also_called(name: str) -> tuple[str, ...]:
    """The other names of a kernel in the table.

    >>> also_called("box3")
    ('box', 'mean3')
    """
    return tuple(alias for alias, meant in ALIASES.items() if meant == name)
