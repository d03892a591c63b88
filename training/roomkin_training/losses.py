"""What the student is asked for: the teacher's embedding, and the teacher's similarities between faces.

Invariant: every loss is a mean over faces, 0 where the student agrees with the teacher entirely.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def cosine_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """1 - cosine. Both [n,d] of length 1."""
    return (1.0 - (found * wanted).sum(1)).mean()


def relation_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Squared differences of similarities, summed over the other faces of the batch as if there were 100 of them.

    Park et al. 2019 (arXiv 1904.05068), with the cosine as the relation; weighs the directions in which faces differ.
    """
    difference = found @ found.T - wanted @ wanted.T
    return difference.square().mean() * 100.0


def length_loss(raw: Tensor) -> Tensor:
    """Keeps the raw embeddings' length near 1, so that one int8 scale fits all of them."""
    lengths: Tensor = raw.norm(dim=1)
    return lengths.clamp_min(1e-3).log().square().mean()


def class_centres(targets: Tensor, identity: Tensor) -> tuple[Tensor, Tensor]:
    """Normalised mean of the teacher's embeddings per identity, [k,d], and each face's row in it (-1: unknown), [n]."""
    known, row = torch.unique(identity, return_inverse=True)
    sums = torch.zeros(len(known), targets.shape[1]).index_add_(0, row, targets)
    centres = F.normalize(sums, dim=1)
    has_unknown = int(len(known) > 0 and known[0] < 0)
    return centres[has_unknown:], row - has_unknown


def arc_loss(found: Tensor, row: Tensor, centres: Tensor, margin: float = 0.3, scale: float = 32.0) -> Tensor:
    """ArcFace (Deng et al. 2019) against fixed centres; faces of unknown identity (row -1) do not count."""
    known = row >= 0
    cosine = (found @ centres.T).clamp(-1 + 1e-6, 1 - 1e-6)
    own = cosine.gather(1, row.clamp_min(0)[:, None])
    turned = own * math.cos(margin) - torch.sqrt(1 - own.square()) * math.sin(margin)
    logits = cosine.scatter(1, row.clamp_min(0)[:, None], torch.where(own > math.cos(math.pi - margin), turned, own))
    each = F.cross_entropy(logits * scale, row.clamp_min(0), reduction="none")
    return (each * known).sum() / known.sum().clamp_min(1)
