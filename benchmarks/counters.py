"""ResNet-50 counted by this tool and by others: whole processes, in-process time, and memory.

Each figure is a median, each ratio taken pair by pair in the same run, since machines drift. The
claims:

- the text spec, as a whole process, is at least 20 times as fast as any other counter, which has to
  import torch and build the model first;
- a live model, in the same process, takes no longer than with fvcore or torchinfo.

    pip install torch==2.13.0 fvcore torchinfo ptflops
    python benchmarks/counters.py            # 7 rounds
    python benchmarks/counters.py --quick    # 2 rounds

A counter that is not installed is left out, and said so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

HERE = str(Path(__file__).parent)
MODEL = f"import sys; sys.path.append({HERE!r}); import torch\n"
MODEL += "from resnet50 import resnet50; model = resnet50()\n"
IMAGE = "image = torch.zeros(1, 3, 224, 224)\n"

# What prepares a count, and the count itself.
COUNTERS = {
    "torch.utils.flop_counter": (
        IMAGE + "from torch.utils.flop_counter import FlopCounterMode\n",
        "with FlopCounterMode(display=False) as counted, torch.no_grad(): model(image)\n",
    ),
    "fvcore": (
        IMAGE + "import logging; logging.disable()\nfrom fvcore.nn import FlopCountAnalysis\n",
        "FlopCountAnalysis(model, image).total()\n",
    ),
    "torchinfo": (
        "from torchinfo import summary\n",
        "summary(model, (1, 3, 224, 224), verbose=0)\n",
    ),
    "ptflops": (
        "from ptflops import get_model_complexity_info\n",
        "get_model_complexity_info(model, (3, 224, 224), print_per_layer_stat=False)\n",
    ),
}
OURS = (
    "import convalgebra as ca\n",
    "ca.cost(ca.from_torch(model, (3, 224, 224)))\n",
)
TIMED = "import time; start = time.perf_counter()\n{}print(time.perf_counter() - start)\n"


def process(command: list[str]) -> tuple[float, int, str]:
    """Seconds, peak memory in KiB, and what it prints, of a process away from the checkout."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen(
            command, stdout=out, stderr=subprocess.DEVNULL, cwd=tempfile.gettempdir()
        )
        _, status, used = os.wait4(child.pid, 0)
        taken = time.perf_counter() - start
        if status:
            raise SystemExit(f"failed: {' '.join(command)[:300]}")
        out.seek(0)
        return taken, used.ru_maxrss, out.read().decode()


def inside(prepare: str, count: str) -> tuple[float, int]:
    """Seconds of the second count of a fresh process, and the peak memory of the process."""
    script = MODEL + prepare + count + TIMED.format(count)
    _, memory, printed = process([sys.executable, "-c", script])
    return float(printed.split()[-1]), memory


def main() -> None:
    """Run all comparisons."""
    rounds = 2 if "--quick" in sys.argv[1:] else 7
    if find_spec("torch") is None:
        print("torch is not installed: nothing is compared")
        return
    tool = [str(Path(sys.executable).with_name("convalgebra")), "cost", "zoo:resnet50"]
    print(f"{'ResNet-50, one process each':<30}{'this':>10}{'other':>10}{'other/this':>12}")
    for name, (prepare, count) in COUNTERS.items():
        if find_spec(name.split(".")[0]) is None:
            print(f"{name:<30}is not installed")
            continue
        script = [sys.executable, "-c", MODEL + prepare + count]
        pairs = [(process(tool), process(script)) for _ in range(rounds + 1)][1:]
        ours, theirs = (median(one[0] for one in column) for column in zip(*pairs, strict=True))
        ratio = median(b[0] / a[0] for a, b in pairs)
        print(f"{name:<30}{ours * 1000:7.0f} ms{theirs * 1000:7.0f} ms{ratio:12.1f}")
        ours, theirs = (median(one[1] for one in column) for column in zip(*pairs, strict=True))
        print(f"{'  memory':<30}{ours / 1024:6.0f} MiB{theirs / 1024:6.0f} MiB")
    print(f"\n{'A live model, in process':<30}{'this':>10}{'other':>10}{'other/this':>12}")
    for name, (prepare, count) in COUNTERS.items():
        if find_spec(name.split(".")[0]) is None:
            continue
        runs = [(inside(*OURS), inside(prepare, count)) for _ in range(rounds)]
        ours, theirs = (median(one[0] for one in column) for column in zip(*runs, strict=True))
        ratio = median(b[0] / a[0] for a, b in runs)
        print(f"{name:<30}{ours * 1000:7.0f} ms{theirs * 1000:7.0f} ms{ratio:12.2f}")
        ours, theirs = (median(one[1] for one in column) for column in zip(*runs, strict=True))
        print(f"{'  memory':<30}{ours / 1024:6.0f} MiB{theirs / 1024:6.0f} MiB")


if __name__ == "__main__":
    main()
