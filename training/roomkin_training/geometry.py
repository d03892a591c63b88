"""Moves faces about: alignment jitter, motion blur and soft distortion, each picture its own.

Invariant: pixels outside the picture repeat its edge, as the alignment on the device does. All randomness comes from
the dice that are handed in.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from .dice import Dice


def similarity(scale: Tensor, turn: Tensor, dx_px: Tensor, dy_px: Tensor, mirror: Tensor, side: int) -> Tensor:
    """Sampling matrices [n,2,3] for `affine_grid`: scale, turn (radians), shift (pixels of `side`), mirror (bool)."""
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    flip = torch.where(mirror, -1.0, 1.0)
    shift_x, shift_y = dx_px * 2 / side, dy_px * 2 / side
    return torch.stack([torch.stack([cos * flip, -sin, shift_x], 1), torch.stack([sin * flip, cos, shift_y], 1)], 1)


def sample(images: Tensor, grid: Tensor) -> Tensor:
    """Bilinear samples of [n,3,s,s] at a grid [n,s,s,2], edges repeated."""
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def jitter(images: Tensor, matrices: Tensor) -> Tensor:
    """Pictures [n,3,s,s] seen through sampling matrices [n,2,3]."""
    return sample(images, F.affine_grid(matrices, list(images.shape), align_corners=False))


def motion(images: Tensor, length_px: Tensor, direction: Tensor, taps: int = 7) -> Tensor:
    """Motion blur along a line of `length_px` [n] in `direction` [n] (radians): the mean of `taps` shifted pictures."""
    side, count = images.shape[-1], len(images)
    base = torch.eye(2, 3, device=images.device).expand(count, 2, 3)
    grid = F.affine_grid(base, list(images.shape), align_corners=False)
    step = torch.stack([torch.cos(direction), torch.sin(direction)], 1) * (length_px * 2 / side).view(-1, 1)
    total = torch.zeros_like(images)
    for tap in range(taps):
        total = total + sample(images, grid + (step * (tap / (taps - 1) - 0.5)).view(count, 1, 1, 2))
    return total / taps


def distort(images: Tensor, strength_px: Tensor, knots: Tensor) -> Tensor:
    """Bends each face smoothly by about `strength_px` [n]: shifts at 5x5 places (`knots` [n,2,5,5]), cubic in between.

    The face becomes another person's, which is the point: the teacher says whose.
    """
    count, side = len(images), images.shape[-1]
    shifts = knots * (strength_px * 2 / side).view(-1, 1, 1, 1)
    field = F.interpolate(shifts, size=(side, side), mode="bicubic", align_corners=True)
    base = torch.eye(2, 3, device=images.device).expand(count, 2, 3)
    grid = F.affine_grid(base, list(images.shape), align_corners=False)
    return sample(images, grid + field.permute(0, 2, 3, 1))


def soft_mask(dice: Dice, side: int) -> Tensor:
    """Masks [n,1,side,side] from 0 to 1 with a soft border: half planes of any direction, or ellipses."""

    def one(low: float, high: float) -> Tensor:
        return dice.uniform(low, high).view(-1, 1, 1)

    line = torch.linspace(-1, 1, side, device=dice.uniforms.device)
    y, x = line.view(1, -1, 1), line.view(1, 1, -1)
    turn = one(0, 2 * math.pi)
    plane = x * torch.cos(turn) + y * torch.sin(turn) - one(-0.35, 0.35)
    cx, cy, rx, ry = one(-0.3, 0.3), one(-0.3, 0.3), one(0.3, 0.9), one(0.3, 0.9)
    ellipse = (torch.hypot((x - cx) / rx, (y - cy) / ry) - 1.0) * torch.minimum(rx, ry)
    return torch.sigmoid(torch.where(one(0, 1) < 0.6, plane, ellipse) / one(0.04, 0.25) * 2)[:, None]


@torch.no_grad()
def blend(images: Tensor, others: Tensor, dice: Dice) -> Tensor:
    """New faces from pairs of aligned faces [n,3,s,s]: 40 % mixed evenly over the face, the rest part by part.

    Half of them are bent as well; the values are those of 8-bit pictures (0 to 1). Beyer et al. 2022 (arXiv
    2106.05237): a teacher that is asked about mixed pictures, and a student that is shown the same ones, teach far more
    than the pictures alone.
    """
    side = images.shape[-1]
    even = dice.uniform().view(-1, 1, 1, 1)
    parts = soft_mask(dice, side) * dice.uniform(0.5, 1.0).view(-1, 1, 1, 1)
    share = torch.where(dice.uniform().view(-1, 1, 1, 1) < 0.4, even, parts)
    strength = dice.uniform(0.5, 3.0) * (dice.uniform() < 0.5)
    bent = distort(torch.lerp(images, others, share), strength, dice.knots)
    return torch.round(bent.clamp(0.0, 1.0) * 255.0) / 255.0
