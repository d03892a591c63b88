// When the face of a track is embedded: where the embedding adds information. A track that is not decided, a face that moved or turned, a
// clearly better view and a doubt are embedded in every frame; somebody who is known once a second, and less often while they sit still.
// ADR 31 explains it. Pure.
//
// Invariant: what is left out is only the embedding. Each face is still found in each frame, and its track goes on only where
// src/vision/continued-faces.ts is certain.
import { areConfusable } from '../vision/continued-faces.js';
import { type Box, middlesApart, type ObservedFace, type Quality } from '../vision/face.js';
import { type QualityGate, weight } from '../vision/quality-gate.js';
import type { TrackDecision } from './decide.js';
import { agreement } from './track-embedding.js';
import { predict, type Track, type TrackOptions } from './tracker.js';

/** Time between two embeddings of a decided track, milliseconds: the first one, and the longest one after it has grown. */
export const firstIntervalMs = 1000;
export const mostIntervalMs = 3000;
const growth = 1.5;
/**
 * Tracks whose time has come that are embedded in one frame. The others wait for the next frames, at most `mostWaitMs`: people who came
 * together do not all cost their embeddings in one frame.
 */
const mostInFrame = 2;
const mostWaitMs = 1000;
/** A track that was not seen for longer than this was lost for a moment: whoever appears there is compared again. */
const mostGapMs = 600;
/** A face that has moved so far since its last embedding, in widths, or changed its size so much (ratio), is embedded. */
const movedWidths = 0.75;
const movedRatio = 1.3;
/** Within this, somebody sits still. */
const stillWidths = 0.25;
/** Coarse estimates from landmarks: less than this is their noise. */
const turnedDegrees = 20;
/** A clearly better view: so much heavier, by factor and by difference. */
const betterFactor = 1.3;
const betterBy = 0.1;
/** A name that the sequential test does not accept after so many observations is no reason to embed each frame. */
const enoughObservations = 10;

/** Of a track that was embedded and whose next embedding is not due before its time. */
export interface Embedded {
  readonly atMs: number;
  readonly intervalMs: number;
  readonly box: Box;
  /** The view right after the embedding; null before the next frame. Its landmarks come from the same detector as later ones. */
  readonly view: View | null;
  /** The most that any such view of the track weighed. */
  readonly bestWeight: number;
  /** What has changed, so that the next frame is embedded; null: nothing. */
  readonly due: 'moved' | 'view' | null;
}

interface View {
  readonly quality: Quality;
  readonly weight: number;
}

/** By track id. Tracks that are missing are embedded in every frame. */
export type EmbeddingSchedule = ReadonlyMap<number, Embedded>;

export const noSchedule: EmbeddingSchedule = new Map();

/** What the schedule needs to know about a frame. */
export interface ScheduledFrame {
  readonly atMs: number;
  /** The tracks before and after the frame. */
  readonly before: readonly Track[];
  readonly tracks: readonly Track[];
  readonly decisions: ReadonlyMap<number, TrackDecision>;
  /** The face of each track in this frame and its weight. */
  readonly observationOf: ReadonlyMap<number, { readonly face: ObservedFace; readonly weight: number }>;
  /** Whether the face of this track never moves and names nobody. */
  isStatic(track: number): boolean;
}

/** The schedule after a frame. Ends with the tracks. */
export function afterFrame(
  before: EmbeddingSchedule,
  frame: ScheduledFrame,
  gate: QualityGate,
  tracks: Pick<TrackOptions, 'sameAbove'>,
): EmbeddingSchedule {
  const after = new Map<number, Embedded>();
  for (const track of frame.tracks) {
    const observation = frame.observationOf.get(track.id);
    const old = before.get(track.id);
    // A track that is missing in one frame starts anew.
    if (observation === undefined) continue;
    const next =
      observation.face.isContinued === true
        ? old && afterContinued(old, observation.face, gate)
        : afterEmbedded(old, track, observation, frame, tracks);
    if (next) after.set(track.id, next);
  }
  return after;
}

/** null: the next frame is embedded, too. */
function afterEmbedded(
  old: Embedded | undefined,
  track: Track,
  { face, weight: faceWeight }: { readonly face: ObservedFace; readonly weight: number },
  frame: ScheduledFrame,
  { sameAbove }: Pick<TrackOptions, 'sameAbove'>,
): Embedded | null {
  const decision = frame.decisions.get(track.id);
  const isStatic = frame.isStatic(track.id);
  if (decision === undefined || face.embedding === null) return null;
  if (!isStatic && !isSettled(decision, track)) return null;
  const pooled = frame.before.find(({ id }) => id === track.id)?.pooled;
  const similarity = pooled === undefined || faceWeight === 0 ? null : agreement(pooled, face.embedding);
  if (!isStatic && ((similarity !== null && similarity < sameAbove) || isDoubtful(decision, frame.atMs))) return null;
  // An embedding that does not count tells nothing about a face that moved, or that was lost for a moment.
  if (faceWeight === 0 && !isStatic && (old === undefined || old.due === 'moved')) return null;
  const mayGrow = old !== undefined && !isStatic && faceWeight > 0 && decision.confidence === 'high';
  const isStill = mayGrow && !hasMoved(old.box, face.box, stillWidths) && old.due === null;
  return {
    atMs: frame.atMs,
    intervalMs: isStill ? Math.min(mostIntervalMs, old.intervalMs * growth) : firstIntervalMs,
    box: face.box,
    view: null,
    bestWeight: Math.max(old?.bestWeight ?? 0, old?.view?.weight ?? 0),
    due: null,
  };
}

function afterContinued(old: Embedded, face: ObservedFace, gate: QualityGate): Embedded {
  const view = { quality: face.quality, weight: viewWeight(face, gate) };
  if (old.view === null) return { ...old, view };
  const best = Math.max(old.bestWeight, old.view.weight);
  const isBetter = view.weight >= best * betterFactor && view.weight >= best + betterBy;
  if (hasMoved(old.box, face.box, movedWidths)) return { ...old, due: 'moved' };
  if (!isBetter && !hasTurned(old.view.quality, view.quality)) return old;
  return { ...old, due: 'view', bestWeight: Math.max(best, view.weight) };
}

/** The weight that a face would have with an embedding of any clarity. */
function viewWeight(face: ObservedFace, gate: QualityGate): number {
  return weight({ ...face, quality: { ...face.quality, clarity: null }, embedding: someEmbedding }, gate);
}

const someEmbedding = new Float32Array(0);

/** Another observation would hardly change the decision. */
function isSettled(decision: TrackDecision, track: Track): boolean {
  if (decision.ambiguousBetween !== null) return false;
  if (decision.state === 'stranger') return decision.unknownPerson !== null;
  if (decision.state !== 'known' || decision.reason.kind === 'name-kept') return false;
  return decision.confidence === 'high' || track.pooled.observations >= enoughObservations;
}

/** The newest observation speaks against the decision. */
function isDoubtful({ votes, person }: TrackDecision, atMs: number): boolean {
  const vote = votes.at(-1);
  if (vote === undefined || vote.atMs !== atMs) return false;
  return person === null ? vote.sure : vote.person !== person;
}

function hasMoved(from: Box, to: Box, widths: number): boolean {
  const ratio = to[2] / from[2];
  return middlesApart(from, to) >= widths * from[2] || ratio >= movedRatio || ratio <= 1 / movedRatio;
}

function hasTurned(from: Quality, to: Quality): boolean {
  return (
    Math.abs(from.yawDegrees - to.yawDegrees) >= turnedDegrees ||
    Math.abs(from.pitchDegrees - to.pitchDegrees) >= turnedDegrees ||
    Math.abs(from.rollDegrees - to.rollDegrees) >= turnedDegrees
  );
}

/** The boxes in which the frame at `atMs` is expected to show a face whose embedding is not due. */
export function expectedWithoutEmbedding(
  schedule: EmbeddingSchedule,
  tracks: readonly Track[],
  atMs: number,
): readonly Box[] {
  const predicted = tracks.map((track) => predict(track, atMs));
  const certain = tracks.flatMap(({ id, lastMs }, index) => {
    const embedded = schedule.get(id);
    if (embedded === undefined || embedded.due !== null || atMs - lastMs > mostGapMs) return [];
    const box = predicted[index]!;
    if (predicted.some((other, i) => i !== index && areConfusable(box, other))) return [];
    return [{ box, overdueMs: atMs - embedded.atMs - embedded.intervalMs }];
  });
  // The longest overdue first.
  const waiting = certain.sort((a, b) => b.overdueMs - a.overdueMs);
  return waiting
    .filter(({ overdueMs }, index) => overdueMs < 0 || (index >= mostInFrame && overdueMs < mostWaitMs))
    .map(({ box }) => box);
}
