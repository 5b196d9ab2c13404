"""hessoscope beside PyTorch, numpy and scipy, on this machine: a table of medians over rounds that take turns.

    python3 docs/benchmark/compare.py

Both precisions, on one thread, and for wide networks on two. Wants what peer.py wants. Ours alone:
go test -run - -bench . -cpu 1 ./trainer ./models/... ./callbacks/...
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

PACKAGES = ["./trainer", "./models", "./callbacks/curvature", "./models/symbolic/gemm", "./models/symbolic/op"]
WIDE = r"\d+(-\d+)*_\d+"
BENCHMARKS = (
    "^Benchmark(TrainStep|BatchGradient|Gradient|HVPFresh|HVPAgain|Top10|Reduced|Dense|DGEMM|Conv2D|Images)$"
    f"/^(gauss|gauss_small|mnist017|mnist017_momentum|{WIDE}(_adam)?|150x100x100|depthwise|BatchNorm|LayerNorm)$"
)
TWO_THREADS = f"^Benchmark(Gradient|HVPFresh|HVPAgain)$/^{WIDE}$"
LINE = re.compile(r"^Benchmark(\S+?)(?:/(float32|float64))?(?:-\d+)?\s+\d+\s+([\d.e+]+) ns/op")


def ours():
    """Seconds by benchmark, precision and threads."""
    found = {}
    for threads, benchmarks, packages in ((1, BENCHMARKS, PACKAGES), (2, TWO_THREADS, ["./models"])):
        text = subprocess.run(
            ["go", "test", "-run", "-", "-bench", benchmarks, "-cpu", str(threads), *packages], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        for line in text.splitlines():
            if (m := LINE.match(line)) and not m[1].endswith("/gonum"):
                found[m[1], m[2] or "float64", threads] = float(m[3]) * 1e-9
    return found


def theirs():
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    peer = Path(__file__).with_name("peer.py")
    found = {}
    for threads in (1, 2):
        for dtype in ("float64", "float32"):
            text = subprocess.run(
                [sys.executable, peer, "--dtype", dtype, "--threads", str(threads)], check=True, stdout=subprocess.PIPE,
                env=environment | {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": "1"},
            ).stdout
            found |= {(name, dtype, threads): seconds for name, seconds in json.loads(text).items()}
    return found


def duration(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = []
    for n in range(parser.parse_args().rounds):
        print(f"round {n + 1}", file=sys.stderr)
        rounds.append((ours(), theirs()))
    print("| benchmark | threads | float64 | PyTorch, numpy, scipy | ratio | float32 | PyTorch, numpy, scipy | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name, threads in dict.fromkeys((name, threads) for name, _, threads in rounds[0][0]):
        cells = [name, str(threads)]
        for precision in ("float64", "float32"):
            cells += columns(rounds, (name, precision, threads))
        print(f"| {' | '.join(cells)} |")


def columns(rounds, row):
    """Medians of a row, and of its ratios, as far as there are any."""
    if any(row not in own for own, _ in rounds):
        return ["", "", ""]
    own = duration(statistics.median(o[row] for o, _ in rounds))
    if any(row not in other for _, other in rounds):
        return [own, "", ""]
    other = duration(statistics.median(t[row] for _, t in rounds))
    return [own, other, f"{statistics.median(o[row] / t[row] for o, t in rounds):.2f}"]


if __name__ == "__main__":
    main()
