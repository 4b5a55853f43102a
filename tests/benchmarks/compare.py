"""Print what flasgo costs beside the hand-written floor and its peers, and each figure as a multiple of the floor's.

    python tests/benchmarks/compare.py BENCH PYTHON [--apps a,b] [--workloads a,b] [--rounds N]

BENCH is the folder of the shared benchmark (matrix.py, apps/), PYTHON the interpreter of an environment that its setup.sh made
with this project in it. All apps run interleaved in one go, the best of the rounds counts: compare within one run only.
"""

import argparse
import os
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORKLOADS = "plaintext,json,params,body,router,sec_plain,sec_get,sec_post"
APPS = "raw,ideal2,flasgo_app,falcon_app,blacksheep_app,starlette_app,litestar_app,fastapi_app"
FLOOR, OURS = "ideal2", "flasgo_app"

GOALS = {
    "plaintext": ("sec_plain", 2.5),
    "json": ("sec_plain", 2.5),
    "router": ("sec_plain", 2.5),
    "sec_plain": ("sec_plain", 2.5),
    "params": ("params", 2.0),
    "body": ("body", 2.0),
    "sec_get": ("sec_get", 1.8),
    "sec_post": ("sec_post", 1.8),
    "form": ("form", 3.0),
    "upload10k": ("upload10k", 3.0),
    "static4k": ("static4k", 1.5),
    "stream": ("stream", 1.5),
}
"""Workload → the floor's workload that it is measured by, and the multiple that it may cost."""


def measure(bench: Path, python: str, apps: str, workloads: str, rounds: int) -> dict[str, dict[str, float]]:
    """µs per request by app and workload, as matrix.py prints them."""
    command = [python, "matrix.py", "--apps", apps, "-w", workloads, "--rounds", str(rounds)]
    paths = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("BENCH_PATH")])])
    done = subprocess.run(
        command, cwd=bench, env={**os.environ, "BENCH_PATH": paths}, capture_output=True, text=True, check=True
    )
    return parse(done.stdout)


def parse(output: str) -> dict[str, dict[str, float]]:
    """The first table of matrix.py."""
    rows = [
        [cell.strip() for cell in line.strip("|\n ").split("|")] for line in output.splitlines() if line.startswith("|")
    ]
    header, *rest = rows
    table: dict[str, dict[str, float]] = {}
    for name, *cells in rest:
        if name in table:
            break
        table[name] = {w: float(c) for w, c in zip(header[1:], cells, strict=True) if re.fullmatch(r"[0-9.]+", c)}
    return {name: row for name, row in table.items() if row}


def report(table: dict[str, dict[str, float]]) -> str:
    """The table as Markdown, and below it what flasgo costs in multiples of the floor, beside the goal."""
    workloads = [w for w in GOALS if any(w in row for row in table.values())]
    lines = [f"| µs per request | {' | '.join(workloads)} |", "|---" * (len(workloads) + 1) + "|"]
    lines += [
        f"| {app} | {' | '.join(f'{row[w]:.1f}' if w in row else '–' for w in workloads)} |"
        for app, row in table.items()
    ]
    ours, floor = table.get(OURS, {}), table.get(FLOOR, {})
    ratios = []
    for workload in workloads:
        by, goal = GOALS[workload]
        if workload in ours and by in floor:
            ratios.append(f"{workload} {ours[workload] / floor[by]:.2f} (goal {goal})")
    return "\n".join([*lines, "", "flasgo in multiples of the floor: " + ", ".join(ratios)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("python")
    parser.add_argument("--apps", default=APPS)
    parser.add_argument("--workloads", default=WORKLOADS)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(report(measure(given.bench, given.python, given.apps, given.workloads, given.rounds)))


if __name__ == "__main__":
    main()
