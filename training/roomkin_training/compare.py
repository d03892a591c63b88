"""Every way to learn faces in one table: trains what has not run yet, and writes `docs/methods.md` with its DET curves.

Invariant: every figure comes from a result file that a method wrote at the end of its own run. A method that was
interrupted goes on from its checkpoint.

    python -m roomkin_training.compare
"""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from .curve_picture import FAINT, HIGH, INK, LEFT, RIGHT, TOP, WIDE, Axis
from .methods import arcface, closed_set, distillation, landmarks, one_shot, pose, shipped, siamese, triplet
from .methods.evaluation import HOUSEHOLDS, LARGEST, REFERENCES, SIZES, Result, read_result
from .methods.running import REPOSITORY, Options, options_of, parser

Figures = dict[str, float]


@dataclass(frozen=True)
class Method:
    """A row of the table: how to run it, and what one would do with a GPU."""

    name: str
    run: Callable[[Sequence[str]], None]
    words: tuple[str, ...] = ()
    gpu: str = ""


HEAD = "features of the whole pack, batch 1024, 20 epochs"
ARC = "the whole pack at 112 px, width 1.0, batch 512, SGD 0.1 with momentum 0.9, scale 64, 20 epochs, bf16"
DISTIL = "`distil --minutes 23 --compile`"
METHODS = (
    Method("shipped", shipped.main, gpu=f"{DISTIL}: this is how it was made"),
    Method("frozen", shipped.main, gpu="the same network"),
    Method("closed-set", closed_set.main, gpu="not needed"),
    Method("one-shot", one_shot.main, gpu=HEAD),
    Method("triplet", triplet.main, gpu=HEAD),
    Method("arcface-frozen", arcface.main, ("--frozen",), HEAD),
    Method("arcface-frozen-noise-20", arcface.main, ("--frozen", "--noise", "0.2"), HEAD),
    Method("arcface-3-centres-frozen-noise-20", arcface.main, ("--frozen", "--noise", "0.2", "--centres", "3"), HEAD),
    Method("pose-plain", pose.main, ("--views", "plain"), HEAD),
    Method("pose-turned", pose.main, ("--views", "turned"), f"{HEAD}, side views of all frontal faces"),
    Method("siamese", siamese.main, gpu="the whole pack at 112 px, batches of 256 pairs, 40 epochs, bf16"),
    Method("arcface", arcface.main, gpu=ARC),
    Method("arcface-3-centres", arcface.main, ("--centres", "3"), ARC),
    Method("distillation-one", distillation.main, ("--variant", "one"), DISTIL),
    Method(
        "distillation-mirror", distillation.main, ("--variant", "mirror"), f"{DISTIL} (targets: mean of both sides)"
    ),
    Method("distillation-hints", distillation.main, ("--variant", "hints"), f"{DISTIL} with `--features 0.3`"),
    Method("distillation-copied", distillation.main, ("--variant", "copied"), f"{DISTIL} with `--arc 0.05`"),
    Method("distillation-two", distillation.main, ("--variant", "two"), f"{DISTIL}, then `finetune`"),
)
NOISE = ("arcface-frozen", "arcface-frozen-noise-20", "arcface-3-centres-frozen-noise-20")
# The curves of the picture: one of each kind.
CURVES = (
    ("shipped", "shipped int8 student", "#2a78d6"),
    ("closed-set", "classifier of one household", "#eb6834"),
    ("one-shot", "one-shot comparison, frozen trunk", "#1baf7a"),
    ("triplet", "triplet loss, frozen trunk", "#eda100"),
    ("arcface-frozen", "ArcFace, frozen trunk", "#e87ba4"),
    ("siamese", "Siamese DenseNet-121, from scratch", "#4a3aa7"),
    ("arcface", "ArcFace, from scratch", "#e34948"),
    ("distillation-one", "distillation, from scratch", "#008300"),
)
RATES = (("1 %", "0.01"), ("0.1 %", "0.001"))
BOTTOM = 60
LEGEND = 100
LEAST, MOST = 0.0005, 0.5
LEAST_FNIR = 0.004


def percent(value: float | None) -> str:
    """A share as per cent with one decimal; a dash where a method has no such figure."""
    return "–" if value is None or math.isnan(value) else f"{100 * value:.1f}"


def markdown(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def titled(result: Result) -> str:
    """What the table calls a method."""
    return f"{result.title} ({result.trained_on})" if result.method not in ("shipped", "frozen") else result.title


def shares(results: Sequence[Result], columns: Sequence[tuple[str, str]]) -> str:
    """A table of shares: a column for each (heading, figure)."""
    rows = [[titled(one), *(percent(one.figures.get(name)) for _, name in columns)] for one in results]
    return markdown(["method", *(heading for heading, _ in columns)], rows)


def household_table(results: Sequence[Result]) -> str:
    """Closed set, open set, one reference, and strangers."""
    columns = [(f"closed set, {size}", f"closed_{size}") for size in SIZES]
    for size in SIZES:
        columns += [(f"FNIR {size}, FPIR {share}", f"fnir_{size}_at_{rate}") for share, rate in RATES]
    columns += [("one photo, FNIR at FPIR 1 %", "one_shot_fnir_at_0.01"), ("strangers named", "strangers_named")]
    return shares(results, columns)


def pairs_table(results: Sequence[Result]) -> str:
    """1:1 by quality of the pictures."""
    columns = []
    for tier, name in (("High/High", "high_high"), ("Low/High", "low_high"), ("Low/Low", "low_low")):
        columns += [(f"{tier} accuracy", f"{name}_accuracy")]
        columns += [(f"TAR, FAR {share}", f"{name}_tar_at_{rate}") for share, rate in RATES]
    return shares([one for one in results if "high_high_accuracy" in one.figures], columns)


def search_table(results: Sequence[Result]) -> str:
    """1:N by quality of the pictures."""
    tiers = (("High/High", "high_high"), ("Low/High", "low_high"), ("Low/Low", "low_low"))
    columns = [(f"{tier} FNIR", f"{name}_search") for tier, name in tiers]
    return shares(results, columns)


def cost_table(results: Sequence[Result]) -> str:
    """Seconds, steps, the thirteenth person, and the recipe for a GPU."""
    recipes = {method.name: method.gpu for method in METHODS}
    rows = [
        [
            titled(one), f"{one.seconds:.0f}" if one.seconds else "0", f"{one.steps:,}" if one.steps else "–",
            f"{one.thirteenth} ({one.thirteenth_s:.1f} s)", recipes[one.method],
        ]
        for one in results
    ]  # fmt: skip
    return markdown(["method", "training, s", "steps", "a thirteenth person", "recipe for a GPU"], rows)


def det_svg(results: Sequence[Result]) -> str:
    """DET curves of households of twelve, both axes logarithmic."""
    known = {result.method: result for result in results}
    shown = [curve for curve in CURVES if curve[0] in known]
    height = HIGH + LEGEND
    across = Axis(math.log10(LEAST), math.log10(MOST), LEFT, WIDE - RIGHT)
    up = Axis(math.log10(LEAST_FNIR), 0, height - BOTTOM, TOP + LEGEND)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {height}" font-family="sans-serif" '
        'font-size="12" role="img">',
        f"<title>DET curves of {len(shown)} methods</title>",
        f'<rect width="{WIDE}" height="{height}" fill="#fcfcfb"/>',
        f'<text x="{LEFT}" y="20" fill="{INK}">FNIR in per cent by FPIR in per cent, households of {LARGEST}</text>',
    ]
    for value in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        y = up.at(math.log10(value))
        parts.append(f'<path d="M{LEFT} {y}H{WIDE - RIGHT}" stroke="{FAINT}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="{INK}">{100 * value:g}</text>')
    for value in (0.0005, 0.001, 0.01, 0.1, 0.5):
        x = across.at(math.log10(value))
        anchor = "end" if value == MOST else "middle"
        parts.append(f'<path d="M{x} {TOP + LEGEND}V{height - BOTTOM}" stroke="{FAINT}"/>')
        parts.append(
            f'<text x="{x}" y="{height - BOTTOM + 20}" text-anchor="{anchor}" fill="{INK}">{100 * value:g}</text>'
        )
    for number, (name, label, colour) in enumerate(shown):
        points = " ".join(
            f"{across.at(math.log10(fpir))},{up.at(math.log10(max(fnir, LEAST_FNIR)))}"
            for fpir, fnir in known[name].det
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = LEFT + number % 2 * 330, 44 + number // 2 * 22
        parts.append(f'<path d="M{x} {y - 4}h16" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{x + 22}" y="{y}" fill="{INK}">{label}</text>')
    return "\n".join([*parts, "</svg>\n"])


def read_landmarks(folder: Path) -> Figures | None:
    """The figures of the landmark network, or None where it has not run."""
    path = folder / f"result-{landmarks.NAME}.json"
    figures: Figures | None = json.loads(path.read_text("utf-8")) if path.exists() else None
    return figures


def landmark_table(figures: Figures) -> str:
    """The detector's points beside the network's."""
    rows = [
        [
            title,
            *(percent(figures[f"{tier}_{way}_tar_at_{rate}"]) for tier in ("low", "small") for _, rate in RATES),
        ]
        for way, title in (("detector", "the detector's four points"), ("network", "landmark network"))
    ]
    tiers = ("Low/High", "eyes 10 to 14 px apart")
    return markdown(["alignment", *(f"{tier}, TAR at FAR {share}" for tier in tiers for share, _ in RATES)], rows)


def pose_table(results: Sequence[Result]) -> str:
    """Turned faces with and without side views in the training."""
    columns = [("turned LFW faces, TAR at FAR 1 %", "turned_tar_at_0.01")]
    columns += [(f"made views of {yaw:.0f}°", f"made_{yaw:.0f}_tar_at_0.01") for yaw in pose.MEASURED_YAWS]
    rows = [
        [one.title, *(percent(one.notes.get(name)) for _, name in columns)]
        for one in results if one.method.startswith("pose-")
    ]  # fmt: skip
    return markdown(["training", *(heading for heading, _ in columns)], rows)


def wrapped(page: str, width: int = 120) -> str:
    """The page with its paragraphs and list items filled anew; tables, headings and pictures stay as they are."""
    blocks = []
    for block in filter(None, (part.strip("\n") for part in page.strip().split("\n\n"))):
        if block.startswith(("|", "#", "!")):
            blocks.append(block)
        elif block.startswith("- "):
            items = (" ".join(item.split()) for item in block[2:].split("\n- "))
            blocks.append(
                "\n".join(
                    textwrap.fill(f"- {item}", width, subsequent_indent="  ", break_on_hyphens=False) for item in items
                )
            )
        else:
            blocks.append(textwrap.fill(" ".join(block.split()), width, break_on_hyphens=False))
    return "\n\n".join(blocks) + "\n"


def conditions(options: Options) -> str:
    """What all methods have in common."""
    budget = f"{options.steps} steps" if options.steps else f"{options.seconds:.0f} s of processor time of one core"
    faces = options.people * options.photos
    return f"""
- Training faces: {options.people} people with {options.photos} photos each of the training pack ({faces:,} faces), the
  same for all methods. Budget: {budget} for each training. Seed: {options.seed}. The classifier is an exception: it is
  trained for each household on the household's own photos.
- Two cores cannot reach published results from scratch in this time. So all methods run at a size that two cores can
  do: every picture is reduced to 64 px, networks from scratch are small (width {arcface.WIDTH}; the Siamese
  DenseNet-121
  has its full depth), and methods on the frozen trunk train a head. The table of costs has the recipe for a GPU. Rows
  from scratch compare methods at this size only. They do not show what a method can reach.
- The frozen trunk is the float network of the shipped int8 student. It has seen the training faces before, with the
  teacher's embeddings and without their names. The people of the protocols below are new to it.
- "Shipped int8 student" sees pictures of 112 px, as in the daemon. "Its float trunk and head" sees 64 px, as all other
  rows do.
- Low: small, dark, noisy or blurred by a seeded recipe. In "Low/High" the probe is low and the reference is high.
"""


def households_text() -> str:
    """How households are measured."""
    most = LARGEST * HOUSEHOLDS
    return f"""
{HOUSEHOLDS} households of {LARGEST} people; the same {most} people make {HOUSEHOLDS * 2} households of 6 and
{HOUSEHOLDS * 4} of 3. Each person enrols with {REFERENCES} portraits; their other 4 to 6 portraits are probes.
Everybody else of the 100 people is a stranger. The threshold of each of 10 folds of people is chosen on the strangers
of the other folds. All figures are in per cent. One probe is about 0.5 points. FPIR 0.1 % rests on few stranger probes
(about 4 of 3,700 for households of 12).

"Strangers named": how many strangers get a name in a household of 12 without such a threshold. For the classifier: a
person is more probable than "unknown". For the others: the nearest reference passes the threshold that is best for
pairs.
"""


def classifier_text(closed: Result) -> str:
    """What the classifier is trained on and how long."""
    pictures = closed_set.STRANGERS + closed_set.ROOMS
    three, six, twelve = (closed.notes[f"seconds_{size}"] for size in SIZES)
    return f"""
The classifier has {closed_set.PER_PERSON} pictures a person, made from {REFERENCES} portraits by augmentation (the
protocol has 12 to 14 portraits a person, so 20 to 30 different photos are not possible), and {pictures} pictures of
"unknown" ({closed_set.STRANGERS} strangers, {closed_set.ROOMS} crops of rooms). Training takes {three:.0f} s for 3
people, {six:.0f} s for 6 and {twelve:.0f} s for 12.
"""


def stream_text(options: Options, stream: Figures) -> str:
    """The memory of the streamed pairs."""
    pack_gb = stream["pack_faces"] * 112 * 112 * 3 / 1e9
    return f"""
**Memory of the pair pipeline.** Pairs are read and decoded batch by batch. The most that batches of
{options.batch // 2} pairs held at once was {stream["peak_bytes"] / 1e6:.1f} MB over the
{options.people * options.photos:,} training faces and {stream["peak_bytes_pack"] / 1e6:.1f} MB over
{stream["pack_faces"]:,.0f} faces of the pack, which are {pack_gb:.1f} GB when decoded (`tracemalloc`,
{one_shot.PEAK_BATCHES} batches).
"""


def landmark_text(landmark: Figures) -> str:
    """What the landmark network gains, and whether it ships."""
    gain, small_gain = (
        100 * (landmark[f"{tier}_network_tar_at_0.01"] - landmark[f"{tier}_detector_tar_at_0.01"])
        for tier in ("low", "small")
    )
    outcome = "It gains on both." if min(gain, small_gain) > 0.5 else "It does not gain on both, so it does not ship."
    return f"""
**Landmark network.** Five points from a crop of 96 px, wing loss, {landmark["faces"]:.0f} faces,
{landmark["seconds"]:.0f} s. Its targets are the detector's own points, averaged over {landmarks.CLOSE_UPS} jittered
close-ups. The detector has no mouth corners, so the points are eyes, nose tip, mouth centre and the middle between the
ears. Mean error: {landmark["error_px"]:.1f} px of the aligned face (degraded training faces, new misplacements).
{landmark["pictures"]:.0f} LFW pictures are degraded before detection, and the shipped student embeds both alignments.
The gain in TAR at FAR 1 % is {gain:+.1f} points on Low/High and {small_gain:+.1f} points on small faces. {outcome}

{landmark_table(landmark)}
"""


def pose_text(turned: Result, plain: Result) -> str:
    """What side views gain on turned faces."""
    notes = turned.notes
    gain = 100 * (notes["turned_tar_at_0.01"] - plain.notes["turned_tar_at_0.01"])
    return f"""
**Side views.** {notes["frontal_faces"]:.0f} frontal faces are turned by 20°, 40° and 60° through the depth map of a
generic head. Each batch has as many faces of each kind of view. Turned LFW faces are {notes["turned_probes"]:.0f}
pictures with an estimated yaw above {pose.TURNED:.0f}° ({notes["turned_pairs"]:.0f} genuine pairs). The gain on them is
{gain:+.1f} points. The made views of portraits come from the same depth map as the training views, so they favour the
method.

{pose_table([plain, turned])}
"""


def questions(options: Options, by_name: dict[str, Result], landmark: Figures | None) -> str:
    """What single methods were asked besides the table, as far as they have run."""
    parts = []
    if "triplet" in by_name:
        share = percent(by_name["triplet"].notes["decisions"])
        parts.append(f"""
**Triplets.** {triplet.DECISIONS} decisions from a CSV of anchor, positive and negative (portraits of people who are not
in the training, threshold by 10 folds): {share} % are right.
""")
    if all(name in by_name for name in NOISE):
        parts.append(f"**Wrong labels.** {wrong_labels_text(by_name)}")
    if "one-shot" in by_name:
        parts.append(stream_text(options, by_name["one-shot"].notes))
    if landmark is not None:
        parts.append(landmark_text(landmark))
    if "pose-turned" in by_name and "pose-plain" in by_name:
        parts.append(pose_text(by_name["pose-turned"], by_name["pose-plain"]))
    return "\n\n".join(part.strip() for part in parts)


def missing_text(by_name: dict[str, Result], landmark: Figures | None) -> str:
    """Which methods have no figures yet; empty where all have."""
    names = [method.name for method in METHODS if method.name not in by_name]
    names += [landmarks.NAME] if landmark is None else []
    if not names:
        return ""
    return (
        f"**Not run yet: {', '.join(names)}.** `python -m roomkin_training.compare` trains them and fills the tables."
    )


def document(options: Options, results: Sequence[Result], landmark: Figures | None) -> str:
    """The page."""
    by_name = {result.method: result for result in results}
    closed = by_name.get("closed-set")
    page = f"""
# Ways to learn faces

`python -m roomkin_training.compare` (in `training/`) trains each method and writes this page. [The package's
README](../training/README.md) has the command of each method.

{missing_text(by_name, landmark)}

## Conditions

{conditions(options).strip()}

## Households

{households_text().strip()}

{household_table(results)}

![DET curves](images/methods-det.svg)

{classifier_text(closed).strip() if closed else ""}

## Pairs (1:1)

LFW development, 1,000 pairs for the accuracy (10 folds), all pairs of its pictures for TAR. In per cent. The classifier
knows only the people of its household, so it has no row.

{pairs_table(results)}

## Search (1:N)

Households of {LARGEST}, FNIR at FPIR 1 % in per cent.

{search_table(results)}

## Cost

Training and enrolment in seconds of processor time. A thirteenth person enrols with {REFERENCES} photos. The classifier
has to learn all people again, and every score of the other people changes. All other methods only store the embeddings
of the new photos. "0" in the rows of the shipped student means: nothing is trained here. The time to compute the
trunk's
features is not included: 8,000 views of the training faces take about 5 minutes of one core. Of the
recipes for a GPU only that of the shipped student has run.

{cost_table(results)}

## Single questions

{questions(options, by_name, landmark).strip()}

## What the daemon uses

{conclusion(by_name)}
"""
    return wrapped(page)


def wrong_labels_text(results: dict[str, Result]) -> str:
    """What sub-centres gain with wrong labels, in a sentence."""
    clean, noisy, centres = (percent(results[name].figures["high_high_tar_at_0.001"]) for name in NOISE)
    return (
        f"ArcFace on the frozen trunk reaches TAR {clean} % at FAR 0.1 % with correct labels, {noisy} % when 20 % "
        f"of the faces have a wrong label, and {centres} % with three sub-centres."
    )


def conclusion(results: dict[str, Result]) -> str:
    """Which method the daemon uses, and why."""
    student = results["shipped"]

    def beside(name: str, figure: str) -> str:
        mine, theirs = percent(student.figures[figure]), percent(results[name].figures[figure])
        return f"{theirs} % against {mine} %"

    parts = [
        """The daemon uses the shipped int8 student: a network distilled once on a GPU, and a comparison of embeddings
with a threshold. Comparisons are for households of 12 at FPIR 1 %, the other method first, then the student."""
    ]
    if "closed-set" in results:
        closed = results["closed-set"]
        parts.append(f"""A classifier of the household misses {beside("closed-set", "fnir_12_at_0.01")} of the probes,
{beside("closed-set", "low_high_search")} of the low probes, and {beside("closed-set", "one_shot_fnir_at_0.01")} with
one photo a person. Without a threshold it names {percent(closed.figures["strangers_named"])} % of the strangers. A
thirteenth person costs {closed.thirteenth_s:.0f} s of training and new scores for everybody, against
{student.thirteenth_s:.1f} s for the embeddings of the photos.""")
    for name, title in (("triplet", "triplet loss"), ("arcface-frozen", "ArcFace")):
        if name in results:
            parts.append(f"""A head that {title} teaches on the same trunk and the names of the training faces misses
{beside(name, "fnir_12_at_0.01")} of the probes and {beside(name, "one_shot_fnir_at_0.01")} with one photo a person.""")
    parts.append(f"""The threshold matters for the student as well: the one that is best for pairs names
{percent(student.figures["strangers_named"])} % of the strangers. So the daemon uses a stricter one, a margin to the
second person, and several observations.""")
    return " ".join(parts)


def main(words: Sequence[str] | None = None) -> None:
    """Runs what is missing, then writes the page and the picture."""
    made = parser("Train every method that has no result yet, and write the comparison.")
    made.add_argument("--docs", type=Path, default=REPOSITORY / "docs")
    made.add_argument("--present", action="store_true", help="train nothing: write the page of the results that exist")
    given = list(sys.argv[1:] if words is None else words)
    parsed = made.parse_args(given)
    options = options_of(parsed)
    torch.set_num_threads(1)
    shared: list[str] = []
    for name in Options.__dataclass_fields__:
        shared += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    if not parsed.present:
        for method in METHODS:
            if read_result(options.cache, method.name) is None:
                print(f"{method.name} has no result yet: training", file=sys.stderr, flush=True)
                method.run([*shared, *method.words])
        if read_landmarks(options.cache) is None:
            landmarks.main(shared)
    results = [result for method in METHODS if (result := read_result(options.cache, method.name)) is not None]
    figures = read_landmarks(options.cache)
    if all(result.method != "shipped" for result in results):
        raise SystemExit("the shipped student has no result: run python -m roomkin_training.methods.shipped first")
    (parsed.docs / "images").mkdir(parents=True, exist_ok=True)
    page, picture = parsed.docs / "methods.md", parsed.docs / "images" / "methods-det.svg"
    page.write_text(document(options, results, figures), "utf-8")
    picture.write_text(det_svg(results), "utf-8")
    print(f"{len(results)} methods: {page}, {picture}")


if __name__ == "__main__":
    main()
