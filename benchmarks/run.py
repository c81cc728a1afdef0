"""Whole-process times of the commands, as ratios against a process that does next to nothing.

Prints medians; every ratio is between neighbours of the same run, since machines drift. The claims:

- `--help` takes at most 6 times as long as `python -c pass`, `cost zoo:resnet50` at most 7 times;
- `equiv 3x3 2x2,2x2` takes less time than `python -c "import sympy"`;
- a spec of 10,000 layers costs less than 2 s, and twice that many take about twice as long;
- `equiv 11x11 "5*(3x3)"` answers in less than 1 s.

Measure an installed package (`pip install .`, not `-e`): its bytecode is compiled.

    python benchmarks/run.py            # 15 rounds
    python benchmarks/run.py --quick    # 3 rounds, to see that it runs
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

NOTHING = [sys.executable, "-c", "pass"]
SYMPY = [sys.executable, "-c", "import sympy"]


def tool(*arguments: str) -> list[str]:
    """A command of the installed script beside this Python."""
    return [str(Path(sys.executable).with_name("convalgebra")), *arguments]


def seconds(command: list[str]) -> float:
    """How long a whole process takes, away from the checkout: the installed package runs."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
    return time.perf_counter() - start


def compare(title: str, ours: list[str], other: list[str], rounds: int) -> None:
    """Print the medians of both, taken in turn, and of the ratios pair by pair."""
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds + 1)][1:]
    mine, base = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(a / b for a, b in pairs)
    print(f"{title:<58}{mine * 1000:8.0f} ms {base * 1000:8.0f} ms   ratio {ratio:5.2f}")


def main() -> None:
    """Run all comparisons."""
    rounds = 3 if "--quick" in sys.argv[1:] else 15
    print(f"{'':<58}{'this':>11}{'against':>12}")
    with tempfile.TemporaryDirectory() as folder:
        specs = {}
        for layers in (10_000, 20_000):
            specs[layers] = Path(folder) / f"{layers}.txt"
            lines = ["input 3x32x32", *["3x3p1@64, relu"] * (layers // 2)]
            specs[layers].write_text("\n".join(lines))
        compare("--help / python -c pass", tool("--help"), NOTHING, rounds)
        compare("cost zoo:resnet50 / python -c pass", tool("cost", "zoo:resnet50"), NOTHING, rounds)
        pair = tool("equiv", "3x3", "2x2,2x2")
        compare("equiv 3x3 2x2,2x2 / import sympy", pair, SYMPY, rounds)
        deep = tool("equiv", "11x11", "5*(3x3)")
        compare("equiv 11x11 5*(3x3) / import sympy", deep, SYMPY, rounds)
        long = [tool("cost", str(specs[layers])) for layers in (20_000, 10_000)]
        compare("cost of 20,000 layers / of 10,000 layers", *long, min(rounds, 5))


if __name__ == "__main__":
    main()
