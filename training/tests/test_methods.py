"""Every method on invented pictures: it trains, resumes and is measured; and the parts that are easy to get wrong."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_methods import TRAIN_PEOPLE, TRAIN_PHOTOS, faces, write_workspace
from torch import Tensor

from roomkin_training import compare
from roomkin_training.blazeface import Face
from roomkin_training.degrade import degrade_all
from roomkin_training.methods import (
    arcface,
    closed_set,
    distillation,
    evaluation,
    landmarks,
    material,
    one_shot,
    pose,
    running,
    shipped,
    siamese,
    triplet,
    trunk,
)
from roomkin_training.metrics import normalised

PAIRS = "high_high_accuracy"
SEARCH = "fnir_12_at_0.001"


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def one_household(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve of the fourteen people; the other two are strangers."""
    monkeypatch.setattr(evaluation, "HOUSEHOLDS", 1)


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A workspace that all tests share, so that the trunk's features are computed once."""
    return write_workspace(tmp_path_factory.mktemp("methods"))


def options(words: list[str], *more: str) -> running.Options:
    return running.arguments("test", [*words, *more])


def subset_of(given: running.Options) -> material.Subset:
    return material.read_subset(given.pack, given.cache, given.people, given.photos, given.seed)


def result(words: list[str], method: str) -> evaluation.Result:
    found = evaluation.read_result(options(words).cache, method)
    assert found is not None
    assert found.figures[SEARCH] >= 0
    return found


def test_the_shipped_student_and_its_trunk_are_measured(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "LiteModel", lambda path: None)
    pixels = lambda model, rows: normalised(rows[:, ::16, ::16].reshape(len(rows), -1).astype(np.float32) - 128)  # noqa: E731
    monkeypatch.setattr(shipped, "embed_single", pixels)
    shipped.main(words)
    found = result(words, "shipped")
    assert found.figures[PAIRS] == 1.0
    assert found.figures["closed_12"] == 1.0
    assert found.seconds == 0
    assert len(found.det) == len(evaluation.DET_FPIR)
    assert result(words, "frozen").figures.keys() == found.figures.keys()


def test_siamese(words: list[str]) -> None:
    siamese.main(words, siamese.DenseNet(4, (1, 1), 8))
    assert result(words, "siamese").steps == 3


def test_densenet_has_121_layers() -> None:
    network = siamese.DenseNet()
    layers = [one for one in network.modules() if isinstance(one, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == 121
    assert network.head.in_features == 1024
    assert network.head.out_features == 32


def test_the_contrastive_gradient_at_distance_zero_is_finite_and_zero() -> None:
    a = torch.randn(4, 32, generator=torch.Generator().manual_seed(1), requires_grad=True)
    for same in (torch.ones(4), torch.zeros(4)):
        (gradient,) = torch.autograd.grad(siamese.contrastive_loss(a, a.detach().clone(), same), a)
        assert torch.isfinite(gradient).all()
        assert float(gradient.abs().max()) == 0


def test_the_contrastive_loss_pulls_and_pushes_up_to_the_margin() -> None:
    a = torch.tensor([[0.0, 0.0]], requires_grad=True)
    near, far = torch.tensor([[0.3, 0.4]]), torch.tensor([[3.0, 4.0]])
    one, zero = torch.ones(1), torch.zeros(1)
    assert float(siamese.contrastive_loss(a, near, one).detach()) == pytest.approx(0.25)
    assert float(siamese.contrastive_loss(a, near, zero).detach()) == pytest.approx(0.25)
    assert float(siamese.contrastive_loss(a, far, zero).detach()) == 0
    (pull,) = torch.autograd.grad(siamese.contrastive_loss(a, near, one), a)
    (push,) = torch.autograd.grad(siamese.contrastive_loss(a, near, zero), a)
    assert float(pull[0, 0]) < 0 < float(push[0, 0])


def test_one_cycle_moves_beta1_against_the_rate() -> None:
    at = [siamese.one_cycle(fraction) for fraction in (0.0, 0.15, 0.3, 0.7, 1.0)]
    rates, betas = [one[0] for one in at], [one[1] for one in at]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] > 0
    assert rates[2] == pytest.approx(siamese.PEAK_RATE)
    assert betas == pytest.approx([0.95, 0.90, 0.85, betas[3], 0.95])
    assert 0.85 < betas[3] < 0.95


def test_triplet(words: list[str]) -> None:
    triplet.main(words)
    assert 0 <= result(words, "triplet").notes["decisions"] <= 1


def test_hard_negatives_and_far_positives_weigh_more_but_not_alone() -> None:
    similarity = torch.tensor([[0.9, 0.5, 0.1, 0.8]])
    near = triplet.near_weights(similarity, torch.tensor([[1.0, 1.0, 1.0, 0.0]]))[0]
    assert near[0] > near[1] > near[2] > 0
    assert near[3] == 0
    assert float(near.sum()) == pytest.approx(1)
    assert float(near[0]) < 1
    far = triplet.far_weights(similarity, torch.tensor([[1.0, 1.0, 1.0, 0.0]]))[0]
    assert far[2] > far[1] > far[0] > 0
    assert far[3] == 0


def test_the_index_draws_by_its_weights() -> None:
    person = np.repeat(np.arange(4), 3)
    angle = torch.tensor([0.0, 0.1, 1.0, 0.2, 0.9, 1.0, 2.0, 2.1, 2.2, 3.0, 3.1, 3.0])
    index = triplet.Index(person)
    index.rebuild(torch.stack([angle.cos(), angle.sin()], 1))
    positive, negative = index.draw(torch.zeros(2000, dtype=torch.long), np.random.default_rng(1))
    assert set(positive.tolist()) == {1, 2}
    assert (positive == 2).float().mean() > 0.9  # the far photo of the person
    assert 3 in negative.tolist()
    assert not set(negative.tolist()) & {0, 1, 2}
    counts = torch.bincount(negative, minlength=12)
    assert counts[3] == counts.max()  # the nearest other person
    assert (counts > 0).sum() > 1  # but not only that one


def test_a_csv_of_unknown_names_is_refused(words: list[str]) -> None:
    given = options(words)
    portraits = material.read_portraits(given.evaluation, given.cache)
    path = given.cache / "rows.csv"
    triplet.write_triplets(path, portraits, 40)
    one_hot = np.eye(14, dtype=np.float32)[portraits.person]
    assert triplet.decisions(path, portraits, one_hot) == 1.0
    path.write_text("anchor,positive,negative\na.jpg,b.jpg,c.jpg\n", "utf-8")
    with pytest.raises(ValueError, match="not among the portraits"):
        triplet.decisions(path, portraits, one_hot)


class Interrupted(triplet.Triplets):
    """Asks its own process to stop in step 7."""

    def step(self, number: int, fraction: float) -> Tensor:
        """As the triplets do."""
        if number == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        return super().step(number, fraction)


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(words: list[str], tmp_path: Path) -> None:
    given = options(words, "--steps", "12", "--cache", str(tmp_path))
    person = np.repeat(np.arange(TRAIN_PEOPLE), TRAIN_PHOTOS)
    features = np.random.default_rng(1).normal(size=(len(person), 2, 128)).astype(np.float32)
    whole = triplet.Triplets(features, person, given)
    running.fit(whole, given, "whole", "data")
    with pytest.raises(SystemExit):
        running.fit(Interrupted(features, person, given), given, "cut", "data")
    again = triplet.Triplets(features, person, given)
    trained = running.fit(again, given, "cut", "data")
    assert trained.steps == 12
    for mine, theirs in zip(again.module.state_dict().values(), whole.module.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)
    with pytest.raises(ValueError, match="other data or options"):
        running.fit(again, given, "cut", "other data")


def test_a_training_that_diverges_says_so(words: list[str], tmp_path: Path) -> None:
    given = options(words, "--cache", str(tmp_path))
    person = np.repeat(np.arange(TRAIN_PEOPLE), TRAIN_PHOTOS)
    task = triplet.Triplets(np.full((len(person), 1, 8), np.nan, np.float32), person, given)
    task.index.draw = lambda anchors, rng: (anchors, anchors)  # type: ignore[method-assign]
    with pytest.raises(FloatingPointError, match="lower its learning rate"):
        running.fit(task, given, "nan", "data")


def test_a_budget_is_needed(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="give a budget"):
        options(words, "--steps", "0", "--seconds", "0")


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ([], "arcface"),
        (["--centres", "3"], "arcface-3-centres"),
        (["--frozen", "--noise", "0.2", "--centres", "3"], "arcface-3-centres-frozen-noise-20"),
    ],
)
def test_arcface(words: list[str], more: list[str], name: str) -> None:
    arcface.main([*words, "--width", "0.0625", *more])
    assert result(words, name).steps == 3


def test_the_margin_lowers_the_own_logit_only_and_the_nearest_centre_counts() -> None:
    last = arcface.Centres(2, 2, 2)
    last.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    found = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-0.6, -0.8]])
    person = torch.tensor([0, 0, 1])
    plain = last(found, person, 0.0) / arcface.SCALE
    assert torch.allclose(plain[:, 0], torch.tensor([1.0, 1.0, -0.6]), atol=1e-3)
    assert torch.allclose(plain[:, 1], torch.tensor([0.0, 0.0, 0.8]), atol=1e-3)
    margin = last(found, person, 0.5) / arcface.SCALE
    assert torch.equal(margin[:2, 1], plain[:2, 1])
    assert float(margin[0, 0].detach()) == pytest.approx(np.cos(0.5), abs=2e-3)
    assert float(margin[2, 1].detach()) == pytest.approx(np.cos(np.arccos(0.8) + 0.5), abs=1e-3)
    # It goes on falling where the angle and the margin are beyond half a turn.
    far = torch.stack([torch.cos(torch.tensor([2.9, 3.0])), torch.sin(torch.tensor([2.9, 3.0]))], 1)
    line = arcface.Centres(2, 2, 1)
    line.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    logits = line(far, torch.zeros(2, dtype=torch.long), 0.5)[:, 0]
    assert logits[0] > logits[1]


def test_wrong_labels_are_as_many_as_asked_for() -> None:
    person = np.repeat(np.arange(10), 10)
    labels = arcface.wrong_labels(person, 0.2, 1)
    assert (labels != person).sum() == 20
    assert np.array_equal(labels, arcface.wrong_labels(person, 0.2, 1))
    assert labels.max() < 10


@pytest.mark.parametrize("variant", distillation.VARIANTS)
def test_distillation(words: list[str], variant: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    more = ["--variant", variant, "--width", "0.0625"]
    if variant == "hints":
        from tiny_teacher import write_teacher

        write_teacher(tmp_path / "teacher.npz")
        more += ["--teacher", str(tmp_path / "teacher.npz")]
    if variant == "two":
        pytest.importorskip("onnx")
        from tiny_sface import write_sface

        write_sface(tmp_path / "sface.onnx")
        more += ["--sface", str(tmp_path / "sface.onnx")]
    if variant == "mirror":
        ask = lambda rows: normalised(rows[:, ::14, ::14].reshape(len(rows), -1)[:, :192].astype(np.float32))  # noqa: E731
        fake: Any = type("Teacher", (), {"__init__": lambda self, path: None, "plain": lambda self, rows: ask(rows)})
        monkeypatch.setattr(distillation, "MobileFaceNet", fake)
    distillation.main([*words, *more])
    assert result(words, f"distillation-{variant}").steps == 3


def test_both_sides_have_the_teachers_embedding_of_their_side(tmp_path: Path) -> None:
    rows = faces(2, 2, 1)
    ask = lambda rows: normalised(rows[:, 0, :5].reshape(len(rows), -1).astype(np.float32))  # noqa: E731
    found = distillation.sides(ask, rows, tmp_path / "sides.npy", 15, batch=3)
    assert np.allclose(found[:, 0], ask(rows), atol=1e-3)
    assert np.allclose(found[:, 1], ask(rows[:, :, ::-1]), atol=1e-3)


def test_the_copied_last_layer_starts_as_the_teachers_means(words: list[str]) -> None:
    given = options(words)
    subset = subset_of(given)
    task = distillation.Distillation("copied", subset, subset.targets, given, 0.0625)
    mean = normalised(subset.targets[subset.person == 2].sum(axis=0)[None])[0]
    assert np.allclose(task.last.weight[2].detach().numpy(), mean, atol=1e-5)
    before = task.last.weight.detach().clone()
    task.step(0, 0.5)
    assert not torch.equal(before, task.last.weight)


def test_closed_set(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_set, "PER_PERSON", 8)
    monkeypatch.setattr(closed_set, "EPOCHS", 7)
    monkeypatch.setattr(closed_set, "STRANGERS", 6)
    monkeypatch.setattr(closed_set, "ROOMS", 4)
    closed_set.main(words)
    found = result(words, "closed-set")
    assert found.figures["closed_12"] > 0.5  # the patterns differ, and a random trunk is enough to see that
    assert PAIRS not in found.figures
    assert found.thirteenth_s > 0
    kept = {path: path.stat().st_mtime_ns for path in options(words).cache.glob("closed-set-*.npz")}
    closed_set.main(words)
    assert kept == {path: path.stat().st_mtime_ns for path in options(words).cache.glob("closed-set-*.npz")}


def test_odds_rise_with_the_probability_and_do_not_saturate() -> None:
    logits = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, 60.0], [0.0, 0.0, 70.0]], np.float32)
    found = closed_set.odds(logits)
    p = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert np.allclose(found[0], np.log(p / (1 - p)), atol=1e-5)
    assert found[2, 2] > found[1, 2]


def test_augmented_copies_differ_and_repeat() -> None:
    rows = faces(1, 1, 1)[[0, 0, 0]]
    one = closed_set.augmented(rows, torch.Generator().manual_seed(1))
    assert one.shape == rows.shape
    assert not np.array_equal(one[0], one[1])
    assert np.array_equal(one, closed_set.augmented(rows, torch.Generator().manual_seed(1)))


def test_one_shot(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    one_shot.main(words)
    assert result(words, "one-shot").notes["pack_faces"] > 0
    room = str(options(words).evaluation / "rooms" / "a.jpg")
    with pytest.raises(SystemExit):
        one_shot.main([*words, "--avatar", room])
    assert "give both" in capsys.readouterr().err


def test_a_comparison_needs_faces(tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    path = options(words).evaluation / "rooms" / "a.jpg"
    embed = lambda rows: normalised(rows[:, ::16, ::16].reshape(len(rows), -1).astype(np.float32) - 128)  # noqa: E731
    comparator = one_shot.Comparator(147)
    detector: Any = None
    monkeypatch.setattr(one_shot, "align_file", lambda _, path: None)
    with pytest.raises(ValueError, match="shows no face"):
        one_shot.compare(detector, embed, comparator, path, path)
    monkeypatch.setattr(one_shot, "align_file", lambda _, path: faces(1, 1, 1)[0])
    assert one_shot.compare(detector, embed, comparator, path, path) > 0.99


def test_the_comparator_scores_pairs_and_matrices_alike() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(3, 5)).astype(np.float32), rng.normal(size=(3, 5)).astype(np.float32)
    comparator = one_shot.Comparator(5)
    comparator.raw.data = torch.from_numpy(rng.normal(size=5).astype(np.float32))
    pairs = comparator(torch.from_numpy(a), torch.from_numpy(b)).detach().numpy()
    assert np.allclose(np.diag(comparator.matrix(a, b)), pairs, atol=1e-4)


def test_pairs_are_balanced_and_their_memory_does_not_grow_with_the_pack(tmp_path: Path) -> None:
    from tiny_pack import write_pack

    peaks = []
    for size in (24, 240):
        folder = tmp_path / str(size)
        folder.mkdir()
        write_pack(folder, per_shard=size)
        with material.PackReader(folder, folder) as reader:
            stream = one_shot.whole_pack(reader)
            left, right, same = stream.batch(8, np.random.default_rng(1))
            assert left.shape == right.shape == (8, 112, 112, 3)
            assert float(same.sum()) == 4
            peaks.append(one_shot.peak_bytes(stream, 8, count=4))
    decoded = 480 * 112 * 112 * 3
    assert peaks[1] < decoded / 4
    assert peaks[1] < peaks[0] * 1.2


def test_the_reader_gives_the_packs_pictures(words: list[str]) -> None:
    from roomkin_training.data import read_pack

    given = options(words)
    whole = read_pack(given.pack, processes=1)
    rows = np.array([3, 30, 47])
    with material.PackReader(given.pack, given.cache) as reader:
        assert len(reader) == len(whole)
        assert reader.hash == whole.hash
        assert np.array_equal(reader.images(rows), whole.images[rows])
        assert np.allclose(reader.targets(rows), whole.targets[rows], atol=1e-6)


def test_a_pack_with_too_few_people_is_refused() -> None:
    with pytest.raises(ValueError, match="2 people with 3 photos, 5 are wanted"):
        material.chosen_rows(np.array([1, 1, 1, 2, 2, 2, 3, -1, -1, -1], np.int32), 5, 3, 1)


def test_a_table_of_another_shape_is_refused(words: list[str], tmp_path: Path) -> None:
    frozen = trunk.read_trunk(options(words))
    rows = faces(1, 3, 1)
    first = trunk.cached_features(frozen, rows, tmp_path / "f.npy")
    table = np.load(tmp_path / "f.npy", mmap_mode="r+")
    table[:] = np.nan
    assert np.array_equal(trunk.cached_features(frozen, rows, tmp_path / "f.npy"), first)
    with pytest.raises(ValueError, match="delete it"):
        trunk.cached_features(frozen, rows[:2], tmp_path / "f.npy")


def test_households_share_their_people_and_keep_probes_apart(words: list[str]) -> None:
    person = np.repeat(np.arange(14), 10)
    small, large = evaluation.households(person, 3, 1), evaluation.households(person, 12, 1)
    assert len(small) == 4
    assert len(large) == 1
    for household in small + large:
        assert not np.isin(household.probes, household.references).any()
        assert np.array_equal(person[household.references[household.label, 0]], person[household.probes])
        assert not np.isin(person[household.strangers], person[household.references]).any()
    assert set(person[large[0].references].ravel()) == {
        one for each in small for one in person[each.references].ravel()
    }
    one = evaluation.households(person, 12, 1, references=1)[0]
    assert np.array_equal(one.probes, large[0].probes)
    assert np.array_equal(one.references, large[0].references[:, :1])


def test_open_set_thresholds_come_from_the_other_folds() -> None:
    strangers = np.linspace(0, 1, 1000).astype(np.float32)
    fold = np.arange(1000) % 10
    found = evaluation.OpenSet(np.float32([0.995, 0.5, -np.inf]), np.array([0, 1, 2]), strangers, fold)
    fnir, fpir = found.rates(0.01)
    assert fnir == pytest.approx(2 / 3)
    assert fpir == pytest.approx(0.01, abs=0.002)
    # A fold of strangers who are all closer than the others passes: the threshold did not see them.
    high = np.where(fold == 3, 2.0, strangers).astype(np.float32)
    assert evaluation.OpenSet(found.probes, found.fold, high, fold).rates(0.001)[1] > 0.09


def test_a_missing_protocol_names_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"rooms has no \*\.jpg"):
        material.room_crops(tmp_path, 1, 1)
    with pytest.raises(FileNotFoundError, match=r"people has no NAME"):
        material.read_portraits(tmp_path, tmp_path)


@pytest.mark.parametrize("views", pose.VIEWS)
def test_pose(words: list[str], views: str, monkeypatch: pytest.MonkeyPatch) -> None:
    angles = lambda options, name, rows: np.resize(np.float32([0, 5, 40, np.nan]), len(rows))  # noqa: E731
    monkeypatch.setattr(pose, "cached_yaws", angles)
    pose.main([*words, "--views", views])
    found = result(words, f"pose-{views}")
    assert found.notes["turned_probes"] == 5
    assert found.notes["made_50_tar_at_0.01"] >= 0


def test_a_turned_face_is_the_face_at_no_angle_and_mirrors() -> None:
    face = degrade_all(faces(1, 1, 5), 1, "blurred")[0]
    assert np.array_equal(pose.turned(face, 0.0), face)
    right = pose.turned(face, 40.0)
    assert right.shape == face.shape
    assert np.abs(right.astype(int) - face).mean() > 5
    # The template is not quite symmetrical, so neither are the views.
    left = pose.turned(face[:, ::-1], -40.0)[:, ::-1]
    assert (
        np.abs(left.astype(int) - right)[20:100, 30:80].mean() < np.abs(right.astype(int) - face)[20:100, 30:80].mean()
    )


def test_the_depth_map_has_a_nose_and_ends_at_the_rim() -> None:
    depth = pose.depth_map()
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    assert abs(x - 56) <= 1
    assert 66 <= y <= 72
    assert depth[0, 0] < 1e-6


def test_yaw_follows_the_nose() -> None:
    points = np.array([[40, 50], [70, 50], [55, 70], [55, 90], [20, 60], [90, 60]], np.float32)
    assert pose.yaw_of(points) == pytest.approx(0)
    points[2, 0] = 75
    assert 10 < pose.yaw_of(points) < 60
    points[4] = points[5]
    assert pose.yaw_of(points) == 90


def test_batches_are_balanced_by_pose() -> None:
    usable = [np.ones(10, np.float32), np.float32([0, 1, 0, 1, 0, 0, 0, 0, 0, 0])]
    rows = pose.balanced(usable, 9, np.random.default_rng(1))
    assert [len(one) for one in rows] == [5, 4]
    assert set(rows[1]) <= {1, 3}


def test_the_wing_loss_is_continuous_and_falls() -> None:
    zero = torch.zeros(1, 5, 2)
    below, above = (float(landmarks.wing_loss(zero + at, zero)) for at in (4.9999, 5.0001))
    assert below == pytest.approx(above, abs=1e-3)
    assert float(landmarks.wing_loss(zero, zero)) == 0
    assert float(landmarks.wing_loss(zero + 7, zero)) - float(landmarks.wing_loss(zero + 6, zero)) == pytest.approx(1)


def test_points_go_into_the_crop_and_back() -> None:
    matrix = landmarks.to_crop(landmarks.jitter_matrix(np.random.default_rng(1)))
    points = np.random.default_rng(2).uniform(0, 112, (5, 2))
    assert np.allclose(landmarks.moved(landmarks.moved(points, matrix), landmarks.inverse(matrix)), points)
    centre = np.array([[56.0, 56.0]])
    assert np.allclose(landmarks.moved(centre, landmarks.to_crop(np.eye(2, 3))), 48)


class Detector:
    """Finds the same face everywhere."""

    def __init__(self, points: np.ndarray) -> None:
        self.face = Face(np.float32([10, 10, 90, 90]), points.astype(np.float32), 1.0)

    def search(self, picture: object) -> list[Face]:
        """The face."""
        return [self.face]

    def detect(self, picture: object, least_score: float = 0.5) -> list[Face]:
        """The face."""
        return [self.face]


POINTS = np.array([[38, 52], [74, 52], [56, 72], [56, 92], [20, 60], [92, 60]], float)


def test_the_target_is_the_mean_over_close_ups(words: list[str]) -> None:
    detector: Any = Detector(POINTS + 56)
    found = landmarks.target(faces(1, 1, 1)[0], detector, np.random.default_rng(1))
    assert found is not None
    assert np.abs(found[:4] - POINTS[:4]).max() < 25  # the detector does not follow the close-ups here
    detector.detect = lambda picture: []
    assert landmarks.target(faces(1, 1, 1)[0], detector, np.random.default_rng(1)) is None


def test_yaws_and_targets_go_on_where_they_stopped(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options(words, "--cache", str(tmp_path))
    subset = subset_of(given)
    asked: list[int] = []

    def point(face: object, detector: object, rng: object) -> np.ndarray | None:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return None if len(asked) == 2 else np.full((5, 2), 7.0)

    monkeypatch.setattr(landmarks, "target", point)
    monkeypatch.setattr(landmarks, "BlazeFace", lambda: None)
    with pytest.raises(KeyboardInterrupt):
        landmarks.targets(given, subset)
    rows, points = landmarks.targets(given, subset)
    assert len(asked) == len(subset.rows) + 1  # the third face was asked twice, no other
    assert len(rows) == len(points) == len(subset.rows) - 1
    angles = iter([10.0, float("nan")])
    monkeypatch.setattr(pose, "measured_yaw", lambda face, detector: next(angles))
    monkeypatch.setattr(pose, "BlazeFace", lambda: None)
    for _ in range(2):  # the second time from the cache
        found = pose.cached_yaws(given, "two", subset.images[:2])
        assert found[0] == 10
        assert np.isnan(found[1])


def test_landmarks(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    rows = faces(3, 2, 4)
    points = np.repeat(np.concatenate([POINTS[:4], POINTS[4:].mean(0, keepdims=True)])[None], len(rows), 0)
    monkeypatch.setattr(landmarks, "targets", lambda options, subset: (rows, points.astype(np.float32)))
    folder = options(words).evaluation / "lfw-dev"
    for number, face in enumerate(rows):
        path = folder / "images" / f"q{number // 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(path)
    lines = ["1 0 q0/0.jpg q0/1.jpg", "1 1 q1/2.jpg q1/3.jpg", "0 0 q2/4.jpg q0/0.jpg", "1 1 q2/4.jpg q2/5.jpg"]
    (folder / "pairs.txt").write_text("\n".join(lines), "utf-8")
    monkeypatch.setattr(landmarks, "BlazeFace", lambda: Detector(POINTS))
    monkeypatch.setattr(landmarks, "LiteModel", lambda path: None)
    pixels = lambda model, crops: normalised(crops[:, ::16, ::16].reshape(len(crops), -1).astype(np.float32) - 128)  # noqa: E731
    monkeypatch.setattr(landmarks, "embed_single", pixels)
    landmarks.main([*words, "--steps", "6"])
    figures = json.loads((options(words).cache / "result-landmarks.json").read_text("utf-8"))
    assert figures["low_found"] == 6
    assert 0 <= figures["small_network_tar_at_0.01"] <= 1


def test_the_comparison_trains_what_is_missing_and_shows_every_method(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    ran: list[list[str]] = []

    def write(name: str) -> None:
        figures = {key: 0.25 for key in KEYS}
        if name == "closed-set":
            figures.pop(PAIRS)
        notes = dict.fromkeys(NOTES, 0.5)
        found = evaluation.Result(name, f"title of {name}", "x", 1.0, 2, 3.0, "y", "d", figures, [[0.01, 0.2]], notes)
        evaluation.write_result(cache, found)

    for method in compare.METHODS:
        if method.name != "siamese":
            write(method.name)
    missing = compare.Method("siamese", lambda given: (ran.append(list(given)), write("siamese"))[1])
    monkeypatch.setattr(compare, "METHODS", tuple(missing if one.name == "siamese" else one for one in compare.METHODS))
    keys = [f"{t}_{w}_tar_at_{r}" for t in ("low", "small") for w in ("detector", "network") for r in ("0.01", "0.001")]
    landmark = dict.fromkeys([*keys, "faces", "seconds", "error_px", "pictures", "steps"], 0.5)
    (cache / "result-landmarks.json").write_text(json.dumps(landmark), "utf-8")
    compare.main([*words, "--cache", str(cache), "--docs", str(tmp_path / "docs")])
    assert len(ran) == 1
    page = " ".join((tmp_path / "docs/methods.md").read_text("utf-8").split())
    for method in compare.METHODS:
        assert page.count(f"title of {method.name} ") + page.count(f"title of {method.name}|") > 1
    picture = (tmp_path / "docs/images/methods-det.svg").read_text("utf-8")
    assert picture.count("<polyline") == len(compare.CURVES)
    assert "so it does not ship" in page
    assert "Not run yet" not in page


def test_the_page_of_what_has_run_names_what_has_not(words: list[str], tmp_path: Path) -> None:
    given = [*words, "--cache", str(tmp_path), "--docs", str(tmp_path), "--present"]
    with pytest.raises(SystemExit, match=r"run python -m roomkin_training\.methods\.shipped first"):
        compare.main(given)
    figures = {key: 0.25 for key in KEYS}
    evaluation.write_result(
        tmp_path, evaluation.Result("shipped", "student", "x", 0.0, 0, 1.0, "y", "d", figures, [[0.01, 0.2]])
    )
    compare.main(given)
    page = (tmp_path / "methods.md").read_text("utf-8")
    assert "Not run yet: frozen, closed-set, one-shot, triplet" in page
    assert page.count("| student |") == 4
    assert (tmp_path / "images/methods-det.svg").read_text("utf-8").count("<polyline") == 1


KEYS = [
    *(f"closed_{size}" for size in (3, 6, 12)),
    *(f"{kind}_{size}_at_{rate}" for kind in ("fnir", "fpir") for size in (3, 6, 12) for rate in ("0.01", "0.001")),
    *(f"{t}_{k}" for t in ("high_high", "low_high", "low_low") for k in ("accuracy", "search", "tar_at_0.01")),
    *(f"{t}_tar_at_0.001" for t in ("high_high", "low_high", "low_low")),
    "one_shot_fnir_at_0.01",
    "strangers_named",
]
NOTES = (
    "seconds_3", "seconds_6", "seconds_12", "decisions", "peak_bytes", "peak_bytes_pack", "pack_faces",
    "turned_probes", "turned_pairs", "turned_tar_at_0.01", "made_30_tar_at_0.01", "made_50_tar_at_0.01",
    "frontal_faces",
)  # fmt: skip
