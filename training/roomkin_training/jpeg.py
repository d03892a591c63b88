"""What JPEG does to a batch of pictures, on any device: 8x8 cosine transform, quantisation, half-size chroma.

Invariant: a quality of 100 changes a picture by rounding alone. Tables and their scaling by quality are those of ITU-T
T.81 annex K as libjpeg scales them; every picture has its own quality. The entropy coding loses nothing: left out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 8

_LUMA = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62
18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99"""
_CHROMA_TOP = ((17, 18, 24, 47), (18, 21, 26, 66), (24, 26, 56, 99), (47, 66, 99, 99))

# ITU-R BT.601, full range, as JFIF uses it.
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def _tables(device: torch.device) -> tuple[Tensor, Tensor]:
    luma = torch.tensor([float(n) for n in _LUMA.split()], device=device).view(BLOCK, BLOCK)
    chroma = torch.full((BLOCK, BLOCK), 99.0, device=device)
    chroma[:4, :4] = torch.tensor(_CHROMA_TOP, device=device, dtype=torch.float32)
    return luma, chroma


def _transform(side: int, device: torch.device) -> Tensor:
    """The cosine transform of every block of a row at once: [side,side], block diagonal, orthonormal."""
    k = torch.arange(BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos((2 * k.view(1, -1) + 1) * k.view(-1, 1) * math.pi / (2 * BLOCK)) * 0.5
    matrix[0] *= math.sqrt(0.5)
    blocks: Tensor = torch.kron(torch.eye(side // BLOCK, device=device), matrix)
    return blocks


def _quantise(planes: Tensor, table: Tensor, transform: Tensor) -> Tensor:
    """Planes [n,c,s,s] centred on 0, in steps of `table` [n,8,8]."""
    blocks = planes.shape[-1] // BLOCK
    steps = table.repeat(1, blocks, blocks)[:, None]
    coefficients = transform @ planes @ transform.T
    return transform.T @ (torch.round(coefficients / steps) * steps) @ transform


def jpeg(images: Tensor, quality: Tensor, subsample: Tensor) -> Tensor:
    """Compresses and restores RGB [n,3,s,s] in 0 to 1 (s a multiple of 16).

    `quality` [n] from 1 to 100, `subsample` bool [n]: chroma at half size (4:2:0) as cameras and phones store it.
    """
    device = images.device
    ycc = torch.einsum("kc,nchw->nkhw", torch.tensor(_TO_YCC, device=device), images * 255.0)
    luma_table, chroma_table = _tables(device)
    scale = torch.where(quality < 50, 50.0 / quality, 2.0 - quality / 50.0).view(-1, 1, 1)
    side = images.shape[-1]
    whole, half = _transform(side, device), _transform(side // 2, device)

    def steps(table: Tensor) -> Tensor:
        return torch.floor(table * scale + 0.5).clamp(1, 255)

    luma = _quantise(ycc[:, :1] - 128.0, steps(luma_table), whole) + 128.0
    full = _quantise(ycc[:, 1:], steps(chroma_table), whole)
    small = _quantise(F.avg_pool2d(ycc[:, 1:], 2), steps(chroma_table), half)
    doubled = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    chroma = torch.where(subsample.view(-1, 1, 1, 1), doubled, full)
    rgb = torch.einsum("kc,nchw->nkhw", torch.tensor(_TO_RGB, device=device), torch.cat([luma, chroma], 1))
    return (rgb / 255.0).clamp(0.0, 1.0)
