"""Blur, shrinking and enlarging of a batch as matrices: every picture of a batch gets its own size and sharpness.

Invariant: each row of a matrix sums to 1, so a flat picture stays as it was. A separable linear filter of a picture X
is `A X Aᵀ`; a shrunk picture of s x s pixels lies in the top left of the full canvas, the rest repeats its last row and
column, so that all pictures of a batch keep one shape whatever their sizes.
"""

from __future__ import annotations

import torch
from torch import Tensor


def apply(matrices: Tensor, images: Tensor) -> Tensor:
    """`A X Aᵀ` for each picture: matrices [n,k,k], images [n,c,k,k]."""
    rows = torch.matmul(matrices[:, None], images)
    return torch.matmul(rows, matrices[:, None].transpose(2, 3))


def shrink(sizes: Tensor, blur: Tensor, smoothing: Tensor, canvas: int) -> Tensor:
    """Matrices [n,canvas,canvas] that blur (`blur` px of the canvas, [n]) and shrink to `sizes` px ([n], whole).

    The filter is a Gaussian; `smoothing` (0.3 aliased, 0.5 soft) is its deviation in pixels of the small picture.
    """
    sizes = sizes.view(-1, 1, 1)
    step = canvas / sizes
    # A picture that keeps its size is not smoothed for shrinking: it stays exactly as it is unless it is blurred.
    deviation = torch.hypot(torch.where(sizes < canvas, smoothing.view(-1, 1, 1) * step, 0.0), blur.view(-1, 1, 1))
    deviation = deviation.clamp_min(0.05)
    index = torch.arange(canvas, device=sizes.device, dtype=torch.float32)
    row = torch.minimum(index.view(1, -1, 1), sizes - 1)
    centre = (row + 0.5) * step - 0.5
    distance = (index.view(1, 1, -1) - centre) / deviation
    # Relative to the nearest pixel, so that a narrow Gaussian between two pixels does not vanish.
    power = -0.5 * distance.square()
    return torch.softmax(power, dim=2)


def enlarge(sizes: Tensor, cubic: Tensor, canvas: int) -> Tensor:
    """Matrices [n,canvas,canvas] that bring pictures of `sizes` px ([n]) back to the canvas.

    `cubic` [n] is 0 for bilinear, else the sharpness of Keys' cubic (0.5 to 0.75; Keys 1981, eq. 4, a = -cubic).
    """
    sizes = sizes.view(-1, 1, 1)
    a = -cubic.view(-1, 1, 1)
    index = torch.arange(canvas, device=sizes.device, dtype=torch.float32)
    position = (index.view(1, -1, 1) + 0.5) * sizes / canvas - 0.5
    position = torch.minimum(position.clamp_min(0.0), sizes - 1)
    d = (index.view(1, 1, -1) - position).abs()
    linear = (1 - d).clamp_min(0.0)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    keys = torch.where(d <= 1, near, torch.where(d < 2, far, 0.0))
    weights = torch.where(a < 0, keys, linear) * (index.view(1, 1, -1) < sizes)
    return weights / weights.sum(2, keepdim=True)


def gaussian(deviation: Tensor, canvas: int) -> Tensor:
    """Matrices [n,canvas,canvas] of a Gaussian blur of `deviation` px ([n]); under 0.1 px nothing changes."""
    index = torch.arange(canvas, device=deviation.device, dtype=torch.float32)
    distance = (index.view(1, 1, -1) - index.view(1, -1, 1)) / deviation.view(-1, 1, 1).clamp_min(0.05)
    return torch.softmax(-0.5 * distance.square(), dim=2)
