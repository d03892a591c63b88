"""Verification figures from similarities: accuracy over folds, TAR at FAR, rank-1 identification. Pure functions.

Invariant: similarities are cosines (higher is closer) and no threshold is ever chosen on the pairs it is judged by,
except where the name says so (`tar_at_far` is a point of the ROC of the pairs given).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]
Identities = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]


def normalised(embeddings: Floats) -> npt.NDArray[np.float32]:
    """Rows scaled to length 1 (float32)."""
    values = np.asarray(embeddings, dtype=np.float32)
    lengths = np.linalg.norm(values, axis=-1, keepdims=True)
    result: npt.NDArray[np.float32] = values / np.maximum(lengths, 1e-12)
    return result


def best_threshold(similarity: Floats, label: Flags) -> float:
    """The threshold (accept at or above) with the highest accuracy; the middle of the gap where it lies."""
    order = np.argsort(-similarity, kind="stable")
    ranked = label[order]
    right = np.concatenate([[0], np.cumsum(ranked)]) + np.concatenate([np.cumsum(~ranked[::-1])[::-1], [0]])
    cut = int(np.argmax(right))
    sorted_similarity = similarity[order]
    above = sorted_similarity[cut - 1] if cut > 0 else 1.0
    below = sorted_similarity[cut] if cut < len(order) else -1.0
    return float((above + below) / 2)


def fold_accuracy(similarity: Floats, label: Flags, fold: npt.NDArray[np.integer]) -> tuple[float, float]:
    """Mean and standard deviation over folds; each fold is judged by the threshold chosen on the others."""
    accuracies = []
    for held in np.unique(fold):
        test = fold == held
        threshold = best_threshold(similarity[~test], label[~test])
        accuracies.append(float(np.mean((similarity[test] >= threshold) == label[test])))
    return float(np.mean(accuracies)), float(np.std(accuracies))


def tar_at_far(similarity: Floats, label: Flags, far: float) -> float:
    """Share of genuine pairs accepted at the lowest threshold that accepts at most `far` of the impostor pairs."""
    impostors = np.sort(similarity[~label])[::-1]
    allowed = int(np.floor(far * len(impostors)))
    limit = impostors[allowed] if allowed < len(impostors) else -np.inf
    return float(np.mean(similarity[label] > limit))


def rank_one(gallery: Floats, gallery_id: Identities, probes: Floats, probe_id: Identities) -> float:
    """Share of probes whose nearest gallery embedding is their own person's (rows normalised)."""
    nearest = np.argmax(probes @ gallery.T, axis=1)
    return float(np.mean(gallery_id[nearest] == probe_id))


def open_set_fnir(
    gallery: Floats,
    gallery_id: Identities,
    probes: Floats,
    probe_id: Identities,
    strangers: Floats,
    fpir: float,
) -> float:
    """FNIR at FPIR of 1:N search: a probe misses when its best match is wrong or below the threshold that lets `fpir`
    of the strangers through."""
    best_stranger = np.sort(np.max(strangers @ gallery.T, axis=1))[::-1]
    allowed = int(np.floor(fpir * len(best_stranger)))
    limit = best_stranger[min(allowed, len(best_stranger) - 1)]
    scores = probes @ gallery.T
    nearest = np.argmax(scores, axis=1)
    hit = (gallery_id[nearest] == probe_id) & (scores[np.arange(len(probes)), nearest] > limit)
    return float(1.0 - np.mean(hit))
