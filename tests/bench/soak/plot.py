"""Draws the figures of a soak: `python plot.py soak.json soak.png`.

Run by the Python of the environment that has matplotlib and nothing of this project.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

BLUE, ORANGE, GREEN, RED, GREY = "#1f5fa8", "#d9822b", "#2e8b57", "#b03030", "#666666"
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#e45756", "#72b7b2", "#b279a2", "#9d755d", "#eeca3b")


def draw(figures: dict[str, Any], target: Path) -> None:
    """Three panels over one time axis; every fault is a band of its kind's colour and number."""
    pyplot.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    panels = pyplot.subplots(
        3, 1, figsize=(13, 10.5), sharex=True, gridspec_kw={"height_ratios": [3, 2, 2]}
    )
    figure, (latency, queues, memory) = panels
    names = list(dict.fromkeys(fault["name"] for fault in figures["faults"]))
    for panel in (latency, queues, memory):
        _mark(panel, figures, names)
        panel.grid(axis="y", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
    _latency(latency, figures)
    _queues(queues, figures)
    _memory(memory, figures)
    memory.set_xlabel("seconds since the begin")
    memory.set_xlim(0, max(read["at"] for read in figures["gauges"]))
    _title(figure, figures)
    _legend(figure, names)
    figure.subplots_adjust(left=0.075, right=0.93, top=0.875, bottom=0.115, hspace=0.12)
    figure.savefig(target, dpi=130)


def _mark(panel: Any, figures: dict[str, Any], names: list[str]) -> None:
    for begin, end in figures["crushes"]:
        panel.axvspan(begin, end, ymin=0, ymax=0.03, color=GREY, linewidth=0)
    for fault in figures["faults"]:
        colour = COLOURS[names.index(fault["name"]) % len(COLOURS)]
        panel.axvspan(fault["begin"], fault["end"], color=colour, alpha=0.22, linewidth=0)
    panel.axvline(figures["seconds"], color=GREY, linestyle=":", linewidth=1)


def _latency(panel: Any, figures: dict[str, Any]) -> None:
    found = figures["intervals"]
    middle = [(interval["from"] + interval["to"]) / 2 for interval in found]
    for name, colour, label in (("p99", RED, "p99"), ("p50", BLUE, "p50")):
        values = [interval[name] for interval in found]
        panel.plot(middle, values, color=colour, marker="o", markersize=3, label=label)
    panel.set_yscale("log")
    panel.set_ylabel("published to visible, seconds")
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = panel.get_ylim()
    panel.set_ylim(low, high * 3)
    panel.legend(loc="upper left", ncols=2, frameon=False)
    for number, fault in enumerate(figures["faults"], 1):
        place = (fault["begin"] + fault["end"]) / 2
        panel.text(
            place, 1.005, str(number), transform=panel.get_xaxis_transform(), ha="center",
            va="bottom", fontsize=8, color=GREY,
        )  # fmt: skip


def _queues(panel: Any, figures: dict[str, Any]) -> None:
    at = [read["at"] for read in figures["gauges"]]
    panel.fill_between(
        at, [read["waiting"] for read in figures["gauges"]], color=GREY, alpha=0.45, linewidth=0
    )
    panel.set_ylabel("messages in the queues", color=GREY)
    panel.set_ylim(bottom=0)
    published = panel.twinx()
    published.spines["right"].set_visible(True)
    published.plot(at, [read["published"] for read in figures["gauges"]], color=GREEN)
    published.set_ylabel("published so far", color=GREEN)
    published.set_ylim(bottom=0)


def _memory(panel: Any, figures: dict[str, Any]) -> None:
    at = [read["at"] for read in figures["gauges"]]
    for name, colour, label in (
        ("emulator_mb", BLUE, "emulator with its tables"),
        ("workers_mb", ORANGE, "all workers"),
        ("largest_worker_mb", RED, "largest worker"),
    ):
        panel.plot(at, [read[name] for read in figures["gauges"]], color=colour, label=label)
    panel.set_ylabel("resident memory, MB")
    panel.set_ylim(0, panel.get_ylim()[1] * 1.2)
    panel.legend(loc="upper left", ncols=3, frameon=False)


def _title(figure: Any, figures: dict[str, Any]) -> None:
    counts, latency, calm = figures["counts"], figures["latency"], figures["calm_latency"]
    wrong = len(figures["does_not_hold"])
    verdict = (
        "everything sent is accounted for and verified"
        if not wrong
        else f"{wrong} of the checks at the end DO NOT HOLD"
    )
    figure.suptitle(
        f"Soak: {figures['messages']:,} messages, {len(figures['faults'])} faults - {verdict}",
        x=0.075, ha="left", y=0.975, fontsize=15, fontweight="bold",
    )  # fmt: skip
    machine, quiet = figures["machine"], ""
    if calm is not None:
        quiet = f"; p50 {calm['p50']:.2f} s, p99 {calm['p99']:.2f} s while nothing was wrong"
    figure.text(
        0.075,
        0.915,
        f"{counts['events']:,} distinct events. Published to visible: p50 {latency['p50']:.2f} s, "
        f"p99 {latency['p99']:.1f} s with everything{quiet}.\n"
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['Python']}, "
        f"{machine['date']}. Emulator and workers on the same machine.",
        fontsize=9.5,
        color=GREY,
        linespacing=1.5,
    )


def _legend(figure: Any, names: list[str]) -> None:
    patches = [
        pyplot.Rectangle((0, 0), 1, 1, color=COLOURS[i % len(COLOURS)], alpha=0.35, label=name)
        for i, name in enumerate(names)
    ]
    patches.append(pyplot.Rectangle((0, 0), 1, 1, color=GREY, label="rate four times as high"))
    patches.append(pyplot.Line2D([0], [0], color=GREY, linestyle=":", label="all published"))
    figure.legend(
        handles=patches,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.012),
        ncols=5,
        frameon=False,
        fontsize=9.5,
    )


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
