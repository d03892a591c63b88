"""What a room camera does to a face, for a whole batch at once on its own device.

Invariant: the same dice give the same pictures, and a face in gives a face of the same shape in 0 to 1. The order is
that of the light's way: the face moves and is covered, light falls on it, the lens and the sensor's pixels blur and
shrink it, the sensor adds noise, the picture is compressed, and alignment enlarges it again to 112 px.

About a fifth of the faces stay clean (mirror and a small jitter only), so that good pictures stay good.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from . import resample
from .dice import Dice
from .geometry import jitter, motion, similarity, soft_mask
from .jpeg import jpeg

GAMMA = 2.2


@dataclass(frozen=True)
class Camera:
    """How often (0 to 1) and how strongly the camera harms a face."""

    clean: float = 0.22
    small: float = 0.6
    smallest_px: float = 16.0
    largest_px: float = 80.0
    blur: float = 0.3
    moved: float = 0.15
    dark: float = 0.25
    dim: float = 0.15
    noise: float = 0.3
    grain: float = 0.15
    colour: float = 0.5
    grey: float = 0.08
    side_light: float = 0.3
    covered: float = 0.15
    compressed: float = 0.4
    sharpened: float = 0.15
    jitter_px: float = 1.5


def _sampling(side: int, camera: Camera, clean: Tensor, g: Dice) -> Tensor:
    """Mirror and alignment jitter, [n,2,3]; a quarter of the faces that are not clean are placed badly."""
    bad = torch.where(g.some(0.25, ~clean), 2.2, torch.where(clean, 0.4, 1.0))
    scale = torch.exp(g.normal() * 0.025 * bad)
    turn = g.normal() * math.radians(2.2) * bad
    dx, dy = (g.normal() * camera.jitter_px * bad for _ in range(2))
    mirror = g.uniform() < 0.5
    return similarity(scale, turn, dx, dy, mirror, side)


def placement(side: int, g: Dice, camera: Camera | None = None) -> Tensor:
    """Where `degrade` will put each face with these fresh dice: its sampling matrices [n,2,3]. Uses no dice up."""
    camera, ahead = camera or Camera(), copy.copy(g)
    return _sampling(side, camera, ahead.uniform() < camera.clean, ahead)


def _cover(x: Tensor, camera: Camera, usable: Tensor, g: Dice) -> Tensor:
    """Lays a soft-edged part of another face of the batch, or a flat colour, over some faces."""
    side = x.shape[-1]
    line = torch.linspace(0, 1, side, device=x.device)
    width, height = (g.uniform(0.12, 0.5) for _ in range(2))
    left, top = g.uniform(-0.1, 0.95), g.uniform(-0.1, 0.95)
    across = ((line > left.view(-1, 1)) & (line < (left + width).view(-1, 1))).float()
    down = ((line > top.view(-1, 1)) & (line < (top + height).view(-1, 1))).float()
    box = (down[:, :, None] * across[:, None, :])[:, None]
    # Some are a soft part at the edge instead, where it leaves most of the face free: a hand, a door frame, a scarf.
    plane = soft_mask(g, side)
    far = (plane.mean((1, 2, 3)) < 0.3) & (g.uniform() < 0.5)
    mask = torch.where(far.view(-1, 1, 1, 1), plane, box) * g.some(camera.covered, usable).view(-1, 1, 1, 1)
    flat = torch.stack([g.uniform() for _ in range(3)], 1)[:, :, None, None]
    cover = torch.where((g.uniform() < 0.5).view(-1, 1, 1, 1), flat.expand_as(x), x.roll(1, 0))
    return torch.lerp(x, cover, mask)


def _light(x: Tensor, camera: Camera, usable: Tensor, g: Dice) -> Tensor:
    """Colour cast, saturation, grey, contrast, haze and light from one side, in linear light."""
    side = x.shape[-1]
    coloured = g.some(camera.colour, usable).view(-1, 1, 1, 1)
    cast = torch.exp(torch.stack([g.normal() for _ in range(3)], 1)[:, :, None, None] * 0.16)
    linear = x.clamp_min(1e-4).pow(GAMMA) * torch.where(coloured, cast, 1.0)
    ramp = torch.linspace(-1, 1, side, device=x.device)
    turn = g.uniform(0, 2 * math.pi).view(-1, 1, 1, 1)
    slope = ramp.view(1, 1, 1, -1) * torch.cos(turn) + ramp.view(1, 1, -1, 1) * torch.sin(turn)
    lit = g.some(camera.side_light, usable).view(-1, 1, 1, 1)
    linear = linear * torch.exp(slope * (g.normal().abs() * 0.7).view(-1, 1, 1, 1) * lit)
    grey = (linear * linear.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    fully = g.some(camera.grey, usable).view(-1, 1, 1, 1)
    keep = torch.where(coloured, g.uniform(0.4, 1.3).view(-1, 1, 1, 1), 1.0) * (~fully)
    linear = torch.lerp(grey, linear, keep).clamp_min(1e-5)
    shape = torch.where(coloured, torch.exp(g.normal() * 0.22).view(-1, 1, 1, 1), 1.0)
    haze = (g.uniform(0.0, 0.3) * g.some(0.15, usable)).view(-1, 1, 1, 1)
    return torch.lerp(linear.pow(shape), torch.full_like(linear, 0.35), haze)


def _sense(linear: Tensor, camera: Camera, usable: Tensor, g: Dice) -> Tensor:
    """The sensor: exposure, photon and read noise (Foi et al. 2008: variance a·x + b), gain, clipping, gamma."""
    side = linear.shape[-1]
    dark = g.some(camera.dark, usable)
    # Ordinary exposure varies a little; a dark picture loses up to 4.5 stops and wins some of them back by gain.
    exposure = torch.where(usable, torch.exp(g.normal() * 0.25), 1.0)
    stops = g.uniform(1.0, 4.5)
    loss = torch.where(dark, torch.exp2(-stops), 1.0)
    gain = torch.where(dark, torch.exp2(stops * g.uniform(0.3, 1.0)), 1.0)
    noisy = dark | g.some(camera.noise, usable)
    level = torch.where(noisy, torch.exp(g.uniform(math.log(0.0015), math.log(0.01))), 0.0)
    signal = linear * (exposure * loss).view(-1, 1, 1, 1)
    deviation = torch.sqrt(signal * (level * 0.35).view(-1, 1, 1, 1) + (level.square() * 0.35).view(-1, 1, 1, 1))
    grain = g.grain()
    # Some cameras smooth the noise: wider grain of the same strength.
    wide = g.uniform(0.3, 1.1) * (g.uniform() < 0.4)
    matrices = resample.gaussian(wide, side)
    strength = matrices[:, side // 2].square().sum(1).reciprocal()
    grain = resample.apply(matrices, grain) * strength.view(-1, 1, 1, 1)
    seen = ((signal + deviation * grain) * gain.view(-1, 1, 1, 1)).clamp(0.0, 1.0)
    return seen.clamp_min(1e-6).pow(1.0 / GAMMA)


def _grain(x: Tensor, sizes: Tensor, camera: Camera, usable: Tensor, g: Dice) -> Tensor:
    """Cameras that do less for a picture: levels that stay dim with few electrons each, and plain Gaussian grain."""
    side = x.shape[-1]
    dim = g.some(camera.dim, usable)
    share = torch.where(dim, torch.exp(g.uniform(math.log(0.07), math.log(0.6))), 1.0)
    electrons = torch.exp(g.uniform(math.log(0.4), math.log(10.0)))
    light = x * share.view(-1, 1, 1, 1)
    shot = torch.sqrt(light / (electrons * 255.0).view(-1, 1, 1, 1)) * dim.view(-1, 1, 1, 1)
    # Small faces get less: grain on top of few pixels leaves nothing to learn from.
    plain = torch.exp(g.uniform(math.log(0.015), math.log(0.14))) * g.some(camera.grain, usable) * sizes / side
    x = (light + torch.hypot(shot, plain.view(-1, 1, 1, 1)) * g.grain()).clamp(0.0, 1.0)
    x = torch.round(x * 255.0) / 255.0
    again = torch.where(dim & (g.uniform() < 0.4), share.pow(-g.uniform()), 1.0)
    return (x * again.view(-1, 1, 1, 1)).clamp(0.0, 1.0)


@torch.no_grad()
def degrade(faces: Tensor, g: Dice, camera: Camera | None = None) -> Tensor:
    """Camera-like versions of clean aligned faces, float [n,3,112,112] in 0 to 1, in the same order."""
    camera = camera or Camera()
    side = faces.shape[-1]
    clean = g.uniform() < camera.clean
    usable = ~clean
    x = jitter(faces, _sampling(side, camera, clean, g))
    x = _cover(x, camera, usable, g)
    if camera.moved:
        # Every k-th place of the batch: which face stands there is chance already, and the shape stays fixed.
        every = round(1 / camera.moved)
        lengths = (g.uniform(2.0, 15.0) * usable)[::every]
        moved = motion(x[::every], lengths, g.uniform(0, math.pi)[::every])
        x = x.index_copy(0, torch.arange(0, len(x), every, device=x.device), moved)
    linear = _light(x, camera, usable, g)
    shrunk = g.some(camera.small, usable)
    low, high = math.log(camera.smallest_px), math.log(camera.largest_px)
    sizes = torch.where(shrunk, torch.exp(g.uniform(low, high)).round(), float(side))
    blur = torch.exp(g.uniform(math.log(0.4), math.log(3.0))) * g.some(camera.blur, usable)
    linear = resample.apply(resample.shrink(sizes, blur, g.uniform(0.25, 0.55), side), linear)
    x = _grain(_sense(linear, camera, usable, g), sizes, camera, usable, g)
    quality = torch.where(g.some(camera.compressed, usable), g.uniform(25.0, 95.0), 100.0).round()
    chroma = (g.uniform() < 0.7) & (quality < 100)
    x = torch.where((quality < 100).view(-1, 1, 1, 1), jpeg(x, quality, chroma), x)
    edge = (g.uniform(0.3, 1.5) * g.some(camera.sharpened, usable)).view(-1, 1, 1, 1)
    soft = resample.apply(resample.gaussian(g.uniform(0.6, 1.5), side), x)
    x = (x + (x - soft) * edge).clamp(0.0, 1.0)
    cubic = g.uniform(0.5, 0.75) * (g.uniform() < 0.4)
    x = resample.apply(resample.enlarge(sizes, cubic, side), x).clamp(0.0, 1.0)
    return torch.round(x * 255.0) / 255.0
