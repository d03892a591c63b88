"""The learning curve as an SVG: images seen against LFW development accuracy and TAR on bad pictures.

Invariant: every point is a row of `learning-curve.csv`; nothing is smoothed.

    python -m roomkin_training.curve_picture --csv learning-curve.csv --out ../docs/learning-curve.svg
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WIDE, HIGH = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 50, 50
# a colour for each column; text in neutral ink
SERIES = (
    ("lfw", "LFW pairs, accuracy", "#2a78d6"),
    ("low_high_tar_far1", "bad against good, TAR at FAR 1 %", "#eb6834"),
)
INK, FAINT = "#52514e", "#e1e0d9"


@dataclass(frozen=True)
class Axis:
    """A linear map from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Pixel of a value."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def read_points(path: Path, column: str, width: str) -> list[tuple[float, float]]:
    """(images seen, per cent) of the rows that have the column, for one width of the network."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["width"] == width and row[column] not in ("", "nan")]
    return [(float(row["images"]), float(row[column]) * 100) for row in rows]


def widths(path: Path) -> list[str]:
    """The widths that occur, in order of appearance."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(dict.fromkeys(row["width"] for row in csv.DictReader(file)))


def svg(path: Path, width: str) -> str:
    """The picture for one width. Raises ValueError when the file has no row for it."""
    lines = [(label, colour, read_points(path, column, width)) for column, label, colour in SERIES]
    points = [point for _, _, line in lines for point in line]
    if not points:
        raise ValueError(f"{path} has no row of width {width}")
    most = max(images for images, _ in points)
    least = 5 * (min(value for _, value in points) // 5)
    across = Axis(0, most, LEFT, WIDE - RIGHT)
    up = Axis(least, 100, HIGH - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="#fcfcfb"/>',
        f'<text x="{LEFT}" y="20" fill="{INK}">Student of width {width}: share in per cent by images seen</text>',
    ]
    step = 1 if 100 - least <= 10 else 5 if 100 - least <= 50 else 10
    for value in range(int(least), 101, step):
        y = up.at(value)
        parts.append(f'<path d="M{LEFT} {y}H{WIDE - RIGHT}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{INK}">{value}</text>')
    for part in range(5):
        images = most * part / 4
        anchor = "end" if part == 4 else "middle"
        label = f"{images / 1e6:.1f} M"
        text = (
            f'<text x="{across.at(images)}" y="{HIGH - BOTTOM + 20}" text-anchor="{anchor}" fill="{INK}">{label}</text>'
        )
        parts.append(text)
    for number, (label, colour, line) in enumerate(lines):
        path_data = " ".join(f"{across.at(images)},{up.at(value)}" for images, value in line)
        x, y = LEFT + number * 290, TOP - 12
        parts.append(f'<polyline points="{path_data}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across.at(i)}" cy="{up.at(v)}" r="2.5" fill="{colour}"/>' for i, v in line]
        parts.append(f'<path d="M{x} {y - 4}h16" stroke="{colour}" stroke-width="3"/>')
        last = f", {line[-1][1]:.1f} at the end" if line else ""
        parts.append(f'<text x="{x + 22}" y="{y}" fill="{INK}">{label}{last}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the picture of the last width in the file, or of the one named."""
    parser = argparse.ArgumentParser(description="Draw the learning curve.")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--width", help="default: the last that occurs")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(svg(options.csv, options.width or widths(options.csv)[-1]), "utf-8")
    print(options.out)


if __name__ == "__main__":
    main()
