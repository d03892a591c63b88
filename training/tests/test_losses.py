import pytest
import torch
from torch.nn import functional as F

from roomkin_training.losses import arc_loss, class_centres, cosine_loss, length_loss, relation_loss
from roomkin_training.optimizers import orthogonal
from roomkin_training.schedule import Budget, learning_rate, parse_stages, resolution


def vectors(seed: int) -> torch.Tensor:
    return F.normalize(torch.randn(6, 16, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_agreement_costs_nothing_and_disagreement_does() -> None:
    a, b = vectors(1), vectors(2)
    assert float(cosine_loss(a, a)) == pytest.approx(0, abs=1e-6)
    assert float(relation_loss(a, a)) == 0
    assert float(length_loss(a)) == pytest.approx(0, abs=1e-6)
    assert float(cosine_loss(a, b)) > 0.3
    assert float(relation_loss(a, b)) > 1
    assert float(length_loss(a * 3)) > 1


def test_the_relation_loss_does_not_see_a_common_turn() -> None:
    a = vectors(1)
    turn = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(3)))[0]
    assert float(relation_loss(a @ turn, a)) < 1e-6 < float(cosine_loss(a @ turn, a))


def test_arcface_counts_known_faces_only_and_falls_towards_the_own_centre() -> None:
    targets, identity = vectors(4), torch.tensor([-1, 7, 7, 9, -1, 9])
    centres, row = class_centres(targets, identity)
    assert centres.shape == (2, 16)
    assert row.tolist() == [-1, 0, 0, 1, -1, 1]
    good = centres[row.clamp_min(0)]
    assert float(arc_loss(good, row, centres)) < float(arc_loss(good.roll(2, 0), row, centres))
    moved = good.clone()
    moved[0] = -moved[0]
    assert float(arc_loss(moved, row, centres)) == float(arc_loss(good, row, centres))


def test_the_schedule_ends_at_zero_with_the_budget() -> None:
    budget = Budget(seconds=100, images=1000)
    assert budget.fraction(50, 0) == 0.5
    assert budget.fraction(10, 900) == 0.9
    assert budget.fraction(500, 0) == 1.0
    assert learning_rate(1.0, 1.0, 999, 10) == pytest.approx(0)
    assert learning_rate(1.0, 0.0, 0, 10) == pytest.approx(0.1)
    stages = parse_stages("64:0.25,112:1")
    assert [resolution(stages, at) for at in (0, 0.25, 1)] == [64, 112, 112]
    with pytest.raises(ValueError, match="end at 1"):
        parse_stages("64:0.5")


def test_muons_update_is_nearly_orthogonal() -> None:
    matrices = torch.randn(2, 12, 30, generator=torch.Generator().manual_seed(6))
    singular = torch.linalg.svdvals(orthogonal(matrices))
    assert float(singular.min()) > 0.5
    assert float(singular.max()) < 1.5
    assert torch.allclose(orthogonal(matrices.transpose(1, 2)), orthogonal(matrices).transpose(1, 2), atol=1e-3)
