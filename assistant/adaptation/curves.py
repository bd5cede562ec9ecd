"""The course of a run as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # no display
import matplotlib.pyplot as plt  # noqa: E402 - the backend has to be chosen first

SMOOTH_STEPS = 10


def draw(log: Sequence[Mapping[str, float]], path: Path) -> None:
    """Write a picture of loss and validation over the steps of a run."""
    steps = [entry["step"] for entry in log]
    losses = [entry["loss"] for entry in log]
    smooth = [
        sum(part) / len(part) for n in range(len(losses)) if (part := losses[max(0, n - SMOOTH_STEPS + 1) : n + 1])
    ]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(steps, losses, color="0.8", label="loss of a step")
    left.plot(steps, smooth, label=f"mean of {SMOOTH_STEPS} steps")
    left.set(xlabel="step", ylabel="cross-entropy of answer tokens")
    left.legend()
    checked = [entry for entry in log if "exact" in entry]
    for name, label in (("exact", "exact answer and citation"), ("abstained", "abstention when unanswerable")):
        right.plot([e["step"] for e in checked], [e[name] for e in checked], marker="o", label=label)
    right.set(xlabel="step", ylabel="share of held-out questions", ylim=(0, 1))
    right.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
