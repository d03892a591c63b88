import pytest
import torch
from torch.nn import functional as F

from roomkin_training.geometry import similarity
from roomkin_training.losses import (
    HintLoss,
    arc_loss,
    class_centres,
    cosine_loss,
    length_loss,
    mirrored,
    relation_loss,
)
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


def maps(seed: int) -> torch.Tensor:
    """Smooth maps [3,5,28,28], standardised per channel."""
    noise = torch.randn(3, 5, 7, 7, generator=torch.Generator().manual_seed(seed))
    smooth = F.interpolate(noise, size=(28, 28), mode="bicubic", align_corners=False)
    return F.batch_norm(smooth, None, None, training=True)


def transparent(channels: int) -> HintLoss:
    """The loss with a projection that changes nothing."""
    loss = HintLoss([channels], [channels])
    for projection in loss.projections:
        torch.nn.init.dirac_(projection.weight)
        torch.nn.init.zeros_(projection.bias)
    return loss.requires_grad_(False)


def sampled(turn: float = 0.0, dx_px: float = 0.0, mirror: bool = False) -> torch.Tensor:
    zero = torch.zeros(3)
    return similarity(zero + 1, zero + turn, zero + dx_px, zero, torch.full((3,), mirror), 112)


def test_equal_maps_cost_nothing_whatever_their_size_and_scale() -> None:
    loss, wanted = transparent(5), maps(1)
    assert float(loss([wanted], [wanted], sampled())) == pytest.approx(0, abs=1e-6)
    assert float(loss([wanted * 9], [wanted + 7], sampled())) == pytest.approx(0, abs=1e-5)
    assert float(loss([maps(2)], [wanted], sampled())) > 0.5
    assert float(loss([F.interpolate(wanted, scale_factor=2.0)], [wanted], sampled())) == pytest.approx(0, abs=1e-6)
    assert float(loss([F.avg_pool2d(wanted, 2)], [wanted], sampled())) < 0.1


def test_the_teachers_maps_move_with_the_students_face() -> None:
    loss, wanted = transparent(5), maps(1)
    right = torch.cat([wanted[..., 2:], torch.zeros(3, 5, 28, 2)], 3)  # 8 px of 112: columns from outside do not count
    assert float(loss([right], [wanted], sampled(dx_px=8.0))) == pytest.approx(0, abs=1e-5)
    assert float(loss([right], [wanted], sampled())) > 0.1


def test_a_mirrored_face_is_compared_with_maps_of_the_mirrored_face() -> None:
    loss, wanted = transparent(5), maps(1)
    assert mirrored(sampled(turn=0.3)).tolist() == [False] * 3
    assert mirrored(sampled(turn=0.3, mirror=True)).tolist() == [True] * 3
    assert float(loss([wanted], [wanted], sampled(mirror=True))) == pytest.approx(0, abs=1e-5)
    # Sampled 8 px to the right and then turned over: from the mirrored picture that is 8 px to the left.
    left = torch.cat([torch.zeros(3, 5, 28, 2), wanted[..., :-2]], 3)
    assert float(loss([left], [wanted], sampled(dx_px=8.0, mirror=True))) == pytest.approx(0, abs=1e-5)


def test_the_hint_loss_teaches_the_projection_and_the_maps() -> None:
    torch.manual_seed(1)
    loss, mine = HintLoss([6, 6], [5, 5]), torch.randn(3, 6, 14, 14, requires_grad=True)
    wanted = [maps(1), F.avg_pool2d(maps(2), 4)]
    loss([mine, mine], wanted, sampled(turn=0.1)).backward()
    assert mine.grad is not None
    assert float(mine.grad.abs().sum()) > 0
    assert all(p.grad is not None and float(p.grad.abs().sum()) > 0 for p in loss.parameters())


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
