"""The measured tables of MODEL_CARD.md, written between its two markers; the words around them stay.

Invariant: no figure in the card is typed by hand: each comes from the JSON of `evaluate`, `groups` or `quantize`.

    python -m roomkin_training.card --figures eval.json --groups groups.json --made int8.json --card ../MODEL_CARD.md
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

BEGIN, END = "<!-- figures: written by roomkin_training.card -->", "<!-- end of figures -->"
TIERS = (
    ("highHigh", "good against good"),
    ("lowHigh", "bad against good"),
    ("lowLow", "bad against bad"),
    ("lowHigh.small", "small (eyes 10 to 14 px apart) against good"),
    ("lowHigh.dark", "dark against good"),
    ("lowHigh.noisy", "noisy against good"),
    ("lowHigh.blurred", "blurred against good"),
)
COLUMNS = (
    ("accuracy", "accuracy"),
    ("tarAtFar0.01", "TAR at FAR 1 %"),
    ("tarAtFar0.001", "TAR at FAR 0.1 %"),
    ("rank1", "1:N rank one"),
    ("fnirAtFpir0.01", "1:N FNIR at FPIR 1 %"),
)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, with a blank line after it."""
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines] + [""]


def per_cent(value: float | None) -> str:
    """A share as per cent with one digit; empty where it was not measured."""
    return "" if value is None else f"{value * 100:.1f}"


def by_tier(figures: Json, names: dict[str, str], view: str) -> list[str]:
    """One row per tier and model; `names` maps a model's name in the JSON to what the card calls it."""
    models = figures["models"]
    rows = []
    for tier, label in TIERS:
        for name, called in names.items():
            row = models[name][view].get(tier)
            if row is not None:
                rows.append([label, called, *(per_cent(row.get(column)) for column, _ in COLUMNS)])
    return table(["pictures", "embedder", *(label for _, label in COLUMNS)], rows)


def by_group(groups: Json, name: str, teacher: str) -> list[str]:
    """One row per set, age, gender and group: how near the student comes to the teacher."""
    rows = [
        [
            group,
            str(row["faces"]),
            f"{row['cosine']:.3f}",
            f"{row['cosineP05']:.3f}",
            f"{row['cosineLow']:.3f}",
            f"{groups[teacher][group]['cosineLow']:.3f}",
            per_cent(row["alike"]),
            per_cent(row["alikeByCosine"]),
            per_cent(groups[teacher][group]["alikeByCosine"]),
        ]
        for group, row in groups[name].items()
    ]
    head = ["faces of", "faces", "cosine, good", "5th percentile", "cosine, bad", "the teacher itself, bad"]
    return table([*head, "pairs above 0.39, %", "by the cosine alone, %", "the teacher's, by the cosine, %"], rows)


def int8_cost(figures: Json, name: str, made: Json) -> list[str]:
    """What quantization did: how it was made, and the cosine between int8 and float."""
    cosines = next(iter(figures["cosineTo"].values()))[name]
    operations = ", ".join(f"{count} {kind}" for kind, count in made["operations"].items())
    rows = [
        ["activation ranges", made["ranges"]],
        ["cross-layer equalisation", "yes" if made["equalised"] else "no"],
        ["faces for bias correction", str(made["biasCorrected"])],
        ["representative faces", f"{made['faces']} ({made['atypicalFacesLeftOut']} more left out as atypical)"],
        ["operations", operations],
        ["tensors", ", ".join(f"{count} {kind}" for kind, count in made["types"].items())],
        ["size", f"{made['bytes'] / 1e6:.1f} MB"],
        ["cosine to float, good pictures", f"{cosines['highMean']:.4f} (1st percentile {cosines['highP01']:.4f})"],
        ["cosine to float, bad pictures", f"{cosines['lowMean']:.4f} (1st percentile {cosines['lowP01']:.4f})"],
        ["training pack, SHA-256", f"`{made['data']}`"],
        ["model, SHA-256", f"`{made['sha256']}`"],
    ]
    return table(["int8", ""], rows)


def merged(parts: Sequence[Json]) -> Json:
    """Several runs of `evaluate` as one; where a model occurs twice, its first figures count. Raises ValueError when
    they saw other crops or another degradation."""
    if len({(part["crops"], part["degradeSeed"]) for part in parts}) != 1:
        raise ValueError("the figures are of different pictures")
    models: Json = {}
    cosines: Json = {}
    for part in reversed(parts):
        models |= part["models"]
        cosines |= part.get("cosineTo", {})
    return {"models": models, "cosineTo": cosines}


def sections(figures: Json, groups: Json, made: Json, names: dict[str, str]) -> str:
    """Everything between the markers. The last of `names` is the int8 model, the first the teacher."""
    teacher, student = next(iter(names)), list(names)[-1]
    return "\n".join(
        [
            BEGIN,
            "### By quality of the pictures, one view (as on video)",
            "",
            *by_tier(figures, names, "single"),
            "### By quality of the pictures, mean with the mirror image (as at enrolment)",
            "",
            *by_tier(figures, names, "mirrored"),
            "### int8",
            "",
            *int8_cost(figures, student, made),
            "### By group",
            "",
            *by_group(groups, student, teacher),
            END,
        ]
    )


def replaced(card: str, text: str) -> str:
    """The card with what lies between its markers replaced. Raises ValueError when a marker is missing."""
    before, found, rest = card.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"the card lacks {BEGIN} or {END}")
    return before + text + after


def main(arguments: Sequence[str] | None = None) -> None:
    """Rewrites the card's tables."""
    parser = argparse.ArgumentParser(description="Write the measured tables of the model card.")
    parser.add_argument(
        "--figures", type=Path, action="append", required=True, help="the JSON of `evaluate`, repeatable"
    )
    parser.add_argument("--groups", type=Path, required=True, help="the JSON of `groups`")
    parser.add_argument("--made", type=Path, required=True, help="the JSON that `quantize` wrote beside the int8 model")
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument(
        "--name", action="append", required=True, help="MODEL=WHAT THE CARD CALLS IT; teacher first, int8 last"
    )
    options = parser.parse_args(arguments)
    figures = merged([json.loads(path.read_text("utf-8")) for path in options.figures])
    groups, made = (json.loads(path.read_text("utf-8")) for path in (options.groups, options.made))
    names = dict(pair.split("=", 1) for pair in options.name)
    card = options.card.read_text("utf-8")
    options.card.write_text(replaced(card, sections(figures, groups, made, names)), "utf-8")
    print(options.card)


if __name__ == "__main__":
    main()
