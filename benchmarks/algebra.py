"""In-process times of the algebra beside sympy's: medians, and ratios pair by pair.

- the rank of a Jacobian: ours mod a prime, against sympy's DomainMatrix over the rationals;
- the equations of an image: interpolation, against elimination by sympy's groebner;
- "is this kernel a product of two 2x2": our verdict for all kernels, against factor_list of one;
- `equiv 5x5 3x3,3x3 --channels 8` as a whole process, against `import sympy`.

    python benchmarks/algebra.py            # 7 rounds
    python benchmarks/algebra.py --quick    # 1 round, to see that it runs
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sympy import QQ, factor_list, groebner, symbols
from sympy.polys.matrices import DomainMatrix

from convalgebra.algebra import equiv
from convalgebra.algebra.families import Family, family_of
from convalgebra.algebra.implicit.search import implicit_equations
from convalgebra.language import parse


def seconds(run: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def compare(
    title: str, ours: Callable[[], object], other: Callable[[], object], rounds: int
) -> None:
    """Print the medians of both, taken in turn after one warm-up, and of the ratios."""
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds + 1)][1:]
    mine, base = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    print(f"{title:<58}{mine * 1000:8.1f} ms {base * 1000:8.1f} ms   ratio {ratio:6.3f}")


def sympy_rank(family: Family) -> int:
    """The rank of the same Jacobian at small whole numbers, over the rationals."""
    point = [(7 * n * n + 3 * n + 1) % 19 + 1 for n in range(family.weights)]
    rows = family.jacobian(point, 2**61 - 1)
    dense = [[QQ(row.get(column, 0)) for column in range(family.ambient)] for row in rows]
    return int(DomainMatrix(dense, (family.weights, family.ambient), QQ).rank())


def sympy_elimination(family: Family) -> object:
    """The Groebner basis that eliminates the weights."""
    weights = symbols(f"w0:{family.weights}")
    coefficients = symbols(f"a0:{family.ambient}")
    values = family.exact_values(weights)
    system = [a - v for a, v in zip(coefficients, values, strict=True)]
    return groebner(system, *weights, *coefficients, order="lex")


def whole_process(rounds: int) -> None:
    """The largest rank that is promised, start-up included."""
    tool = str(Path(sys.executable).with_name("convalgebra"))
    ours = [tool, "equiv", "5x5", "3x3,3x3", "--channels", "8"]
    other = [sys.executable, "-c", "import sympy"]

    def run(command: list[str]) -> Callable[[], object]:
        return lambda: subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir()
        )

    compare("equiv 5x5 3x3,3x3 --channels 8 / import sympy", run(ours), run(other), rounds)


def main() -> None:
    """Run all comparisons."""
    rounds = 1 if "--quick" in sys.argv[1:] else 7
    print(f"{'':<58}{'this':>11}{'sympy':>12}")
    for text, channels in (("2x2,2x2", 2), ("3x3,3x3", 2)):
        family = family_of(parse(text), channels)
        compare(
            f"dimension of {text} with {channels} channels / DomainMatrix.rank",
            lambda text=text, channels=channels: dimension_of(text, channels),
            lambda family=family: sympy_rank(family),
            rounds,
        )
    for text in ("2s2,2", "3s2,2", "2x2,2x1"):
        family = family_of(parse(text))
        compare(
            f"equations of {text} / groebner",
            lambda text=text: implicit_equations(family_of(parse(text))),
            lambda family=family: sympy_elimination(family),
            rounds,
        )
    x, y = symbols("x y")
    kernel = (1 + 2 * x + 3 * y + 5 * x * y) * (2 + x - y + 7 * x * y)
    compare(
        "equiv 3x3 2x2,2x2 / factor_list of one kernel",
        lambda: equiv("3x3", "2x2,2x2"),
        lambda: factor_list(kernel.expand()),
        rounds,
    )
    started = time.perf_counter()
    found = implicit_equations(family_of(parse("2x2,2x2")))
    took = time.perf_counter() - started
    print(f"equations of 2x2,2x2: {found.degrees} in {took * 1000:.0f} ms")
    whole_process(rounds)


def dimension_of(text: str, channels: int) -> int:
    """The dimension, proved from both sides."""
    from convalgebra.algebra.dimension.dimension import dimension

    return int(dimension(family_of(parse(text), channels)).value)


if __name__ == "__main__":
    main()
