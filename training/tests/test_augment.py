import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from roomkin_training import resample
from roomkin_training.augment import Camera, degrade
from roomkin_training.dice import Dice
from roomkin_training.geometry import blend
from roomkin_training.jpeg import jpeg

NOTHING = Camera(
    clean=0, small=0, blur=0, moved=0, dark=0, dim=0, noise=0, grain=0, colour=0, grey=0, side_light=0, covered=0,
    compressed=0, sharpened=0, jitter_px=0,
)  # fmt: skip


def dice(count: int, seed: int = 1, grains: int = 2) -> Dice:
    return Dice(torch.Generator().manual_seed(seed), count, 112, grains)


def pictures(count: int) -> Tensor:
    """Smooth colours with a bright bar: something to blur and to compress."""
    small = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(5))
    faces = torch.nn.functional.interpolate(small, (112, 112), mode="bicubic").clamp(0.1, 0.9)
    faces[:, :, 40:72, 50:60] = 0.95
    return faces


def detail(x: Tensor) -> float:
    return float(x.diff(dim=3).abs().mean())


def test_the_same_dice_give_the_same_pictures() -> None:
    faces = pictures(8)
    assert torch.equal(degrade(faces, dice(8)), degrade(faces, dice(8)))
    assert not torch.equal(degrade(faces, dice(8)), degrade(faces, dice(8, seed=2)))


def test_pictures_stay_pictures() -> None:
    bad = degrade(pictures(64), dice(64))
    assert bad.shape == (64, 3, 112, 112)
    assert bool(torch.isfinite(bad).all())
    assert bool(((bad >= 0) & (bad <= 1)).all())


def test_a_clean_camera_only_moves_the_face() -> None:
    flat = torch.full((16, 3, 112, 112), 0.4)
    assert float((degrade(flat, dice(16), Camera(clean=1)) - 0.4).abs().max()) < 0.005


def test_small_and_dark_do_what_they_say() -> None:
    faces = (pictures(32) + 0.1 * torch.sin(torch.arange(112) * 2.0)).clamp(0, 1)
    small = degrade(faces, dice(32), Camera(**{**vars(NOTHING), "small": 1, "smallest_px": 16, "largest_px": 20}))
    dim = degrade(faces, dice(32), Camera(**{**vars(NOTHING), "dark": 1}))
    plain = degrade(faces, dice(32), NOTHING)
    assert detail(small) < 0.7 * detail(plain)
    assert float(dim.mean()) < 0.9 * float(plain.mean())


def test_resampling_keeps_a_flat_picture_and_full_size_keeps_every_picture() -> None:
    sizes, none = torch.tensor([14.0, 37.0, 112.0]), torch.zeros(3)
    down = resample.shrink(sizes, none, torch.full((3,), 0.4), 112)
    up = resample.enlarge(sizes, torch.tensor([0.0, 0.6, 0.6]), 112)
    for matrices in (down, up, resample.gaussian(torch.tensor([0.0, 1.0, 3.0]), 112)):
        assert torch.allclose(matrices.sum(2), torch.ones(3, 112), atol=1e-5)
    assert torch.allclose(up[2] @ down[2], torch.eye(112), atol=1e-5)


def test_jpeg_agrees_with_libjpeg() -> None:
    face = (pictures(1) * 255).round()
    file = io.BytesIO()
    picture = Image.fromarray(face[0].permute(1, 2, 0).byte().numpy())
    picture.save(file, "JPEG", quality=40, subsampling="4:4:4")
    theirs = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).float()
    ours = jpeg(face / 255, torch.tensor([40.0]), torch.tensor([False]))[0] * 255
    # libjpeg rounds the colours twice on its way; what is compared is many times that.
    assert float((ours - theirs).abs().mean()) < 1.0
    assert float((face[0] - theirs).abs().mean()) > 2.5
    fine = jpeg(face / 255, torch.tensor([100.0]), torch.tensor([False]))[0] * 255
    assert float((fine - face[0]).abs().max()) < 3


def test_a_blend_lies_between_its_faces() -> None:
    dark, light = torch.full((32, 3, 112, 112), 0.2), torch.full((32, 3, 112, 112), 0.8)
    mixed = blend(dark, light, dice(32, grains=0))
    assert bool(((mixed > 0.195) & (mixed < 0.805)).all())
    assert 0.3 < float(mixed.mean()) < 0.7
    assert float(mixed.flatten(1).std(dim=1).max()) > 0.05
