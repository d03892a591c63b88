// Chooses the templates of a person. Pure: photos are analysed before, the gallery is written after. The limits were measured in the
// teacher's space on 100 people with 5 portraits each (498 candidates, 9,900 ordered pairs of people).
import type { Face } from '../vision/face.js';
import { type QualityRefusal, refusal, templateGate } from '../vision/quality-gate.js';
import type { Gallery, Person, PersonId } from './person.js';
import { reasonText } from './reason-text.js';
import { cosine, personSimilarity, scattered, similarity } from './similarity.js';

/** Candidates closer than this are duplicates: different portraits of one person reached at most 0.961. */
export const duplicateAbove = 0.98;
/** From this median similarity to another person on, the candidates may be that person: different people reached 0.521. */
const tooAlikeFrom = 0.55;
/** A candidate below this similarity to all others of its person is unusual: 99 % of the correct ones were above 0.549. */
export const oddBelow = 0.35;
/** A face is in the background if its eyes are closer together than this share of the subject's. */
const backgroundShare = 1 / 3;
/** The most templates of a person. */
export const mostTemplates = 40;

export type TemplateCandidate =
  | { readonly face: Face & { readonly embedding: Float32Array } }
  | {
      readonly refused: 'PHOTO_NO_FACE' | 'PHOTO_TWO_FACES';
      readonly why: string;
      /** The same as data. */
      readonly because: PhotoRefusal;
    };

/** Why a photo enrols nobody. */
export type PhotoRefusal =
  | { readonly kind: 'no-face' }
  | { readonly kind: 'several-faces'; readonly count: number }
  | QualityRefusal;

/**
 * The face that a photo enrols: the most prominent one, if it is good enough for a template and every other face is clearly in the
 * background (its eyes less than a third as far apart). `chosen` picks one of several instead: 1 is the leftmost. `why` continues a
 * sentence that starts with the file's name.
 */
export function templateCandidate(
  faces: readonly Face[],
  width: number,
  height: number,
  chosen: number | null = null,
): TemplateCandidate {
  const subject = primaryFace(faces, width, height);
  if (!subject) {
    const why = 'shows no face: take a photo from the front in good light';
    return { refused: 'PHOTO_NO_FACE', why, because: { kind: 'no-face' } };
  }
  const prominent = faces
    .filter((other) => other === subject || other.quality.eyesPx >= backgroundShare * subject.quality.eyesPx)
    .sort((a, b) => middleOf(a) - middleOf(b));
  if (prominent.length > 1 && chosen === null) {
    const count = prominent.length;
    const places = prominent.map((face, i) => `${i + 1} at ${Math.round((100 * middleOf(face)) / width)} %`).join(', ');
    const why = `shows ${count} faces (from left to right, of the width: ${places}): crop the photo to the person, or choose one with --face N`;
    return { refused: 'PHOTO_TWO_FACES', why, because: { kind: 'several-faces', count } };
  }
  const face = chosen === null ? subject : prominent[chosen - 1];
  if (face === undefined)
    return {
      refused: 'PHOTO_NO_FACE',
      why: `shows no face ${chosen}: --face takes 1 to ${prominent.length} here`,
      because: { kind: 'no-face' },
    };
  const poor = refusal(face, templateGate);
  const { embedding } = face;
  if (poor || !embedding) {
    const because = poor ?? ({ kind: 'not-embedded' } as const);
    const why = `shows no usable face: ${reasonText(because, new Map())}`;
    return { refused: 'PHOTO_NO_FACE', why, because };
  }
  return { face: { ...face, embedding } };
}

/** Horizontal middle of a face, pixels. */
function middleOf({ box: [x, , width] }: Face): number {
  return x + width / 2;
}

/**
 * Less clarity or score, or more roll or misfit, makes a photo doubtful: it may lie on its side. About a tenth of good portraits is
 * doubtful. The detector's score of portraits on their side or upside down was at most 0.72, of upright ones at least 0.78 (25 people);
 * the clarity of single ones upside down is that of upright ones.
 */
const doubtful = { clarity: 0.85, rollDegrees: 30, misfit: 0.16, score: 0.75 };
/** A turned photo must be clearer by this much than the photo as it is. */
const clearerBy = 0.08;

/** Whether a photo may lie on its side or upside down: it shows no face that is clearly upright. */
export function isDoubtful(faces: readonly Face[]): boolean {
  return !faces.some(({ score, quality: { clarity, rollDegrees, misfit } }) => {
    const isClear = score >= doubtful.score && (clarity === null || clarity >= doubtful.clarity);
    return isClear && Math.abs(rollDegrees) <= doubtful.rollDegrees && misfit <= doubtful.misfit;
  });
}

/**
 * The way of turning a photo whose main face is the clearest: the first of `turns`, the photo as it is, unless another is clearer by 0.08.
 * The sum of score and clarity less the misfit decides. Where the embedder's lengths were not measured, all clarities are null.
 */
export function clearestTurn<
  T extends { readonly faces: readonly Face[]; readonly width: number; readonly height: number },
>(turns: readonly [T, ...T[]]): T {
  const clarityOf = ({ faces, width, height }: T): number => {
    const face = primaryFace(faces, width, height);
    return face === null ? -1 : face.score + (face.quality.clarity ?? 0) - face.quality.misfit;
  };
  const [first, ...others] = turns;
  let best = first;
  let clearest = clarityOf(first) + clearerBy;
  for (const turn of others) if (clarityOf(turn) > clearest) [best, clearest] = [turn, clarityOf(turn)];
  return best;
}

export interface Candidate {
  readonly vector: Float32Array;
}

export interface Choice<T extends Candidate> {
  /** Candidates to add, in the given order. */
  readonly add: readonly T[];
  /** Candidates not to add: duplicates, or less useful than the other templates. */
  readonly redundant: readonly T[];
  /** Ids of stored templates to remove. */
  readonly remove: readonly number[];
}

/** How often the progress of a choice is reported. */
const progressReports = 50;

/**
 * Chooses among the stored templates of a person and new candidates. Duplicates (above 0.98) are dropped. Above `most` templates, one of
 * the two closest is dropped repeatedly, so that the rest stays as varied as possible. Takes time that grows with the square of their
 * number (2,000: about a second on x86, and 16 MB), so it must not run inside a write transaction; `progress` is called with the share
 * that is done, above 0 to 1.
 */
export function chooseTemplates<T extends Candidate>(
  person: Pick<Person, 'templates'>,
  candidates: readonly T[],
  most = mostTemplates,
  progress: (share: number) => void = () => {},
): Choice<T> {
  const chosen: { vector: Float32Array; id: number | null; candidate: T | null }[] = person.templates.map(
    ({ id, vector }) => ({
      id,
      vector,
      candidate: null,
    }),
  );
  const redundant: T[] = [];
  const report = every(Math.ceil(candidates.length / progressReports));
  /** Row `i`: the cosines to the earlier ones. Those of photos of one person, so it does not matter what children have in common. */
  const rows = chosen.map(({ vector }, i) => cosinesTo(vector, chosen, i));
  candidates.forEach((candidate, index) => {
    const row = cosinesTo(candidate.vector, chosen, chosen.length);
    if (row.some((value) => value > duplicateAbove)) redundant.push(candidate);
    else {
      chosen.push({ vector: candidate.vector, id: null, candidate });
      rows.push(row);
    }
    // The square of the number: half of the comparisons are made after 0.7 of the candidates.
    if (report()) progress(0.7 * ((index + 1) / candidates.length) ** 2);
  });
  const remove: number[] = [];
  const own = chosen.map(({ vector }) => cosine(vector, vector));
  const dropped = mostRedundant(rows, own, chosen.length - most, (share) => progress(0.7 + 0.3 * share));
  for (const index of dropped) {
    const { id, candidate } = chosen[index]!;
    if (id !== null) remove.push(id);
    else if (candidate) redundant.push(candidate);
  }
  const gone = new Set(dropped);
  const kept = chosen.filter((_, index) => !gone.has(index));
  return { add: kept.flatMap(({ candidate }) => (candidate ? [candidate] : [])), redundant, remove };
}

function cosinesTo(vector: Float32Array, others: readonly Candidate[], count: number): Float64Array {
  const row = new Float64Array(count);
  for (let j = 0; j < count; j++) row[j] = cosine(vector, others[j]!.vector);
  return row;
}

/** True in every `count`-th call. */
function every(count: number): () => boolean {
  let calls = 0;
  return () => ++calls % count === 0;
}

/**
 * The indices of `count` candidates in the order in which they are dropped: each time that one of the closest pair that is also closer
 * to the rest. `rows[i][j]` is the similarity of `i` to the earlier `j`, `own[i]` that to itself. Each row keeps its nearest neighbour, which is searched again
 * only when that one was dropped.
 */
function mostRedundant(
  rows: readonly Float64Array[],
  own: readonly number[],
  count: number,
  progress: (share: number) => void,
): number[] {
  const alive = rows.map((_, i) => i);
  const isAlive = rows.map(() => true);
  const between = (a: number, b: number): number => (a === b ? own[a]! : rows[Math.max(a, b)]![Math.min(a, b)]!);
  const closenessOf = (a: number): number => alive.reduce((sum, b) => sum + between(a, b), 0);
  /** The first of the nearest earlier neighbours; -1 where there is none. */
  const nearestTo = (i: number): number => {
    const row = rows[i]!;
    let nearest = -1;
    for (let j = 0; j < i; j++) if (isAlive[j] && (nearest < 0 || row[j]! > row[nearest]!)) nearest = j;
    return nearest;
  };
  const nearest = count > 0 ? rows.map((_, i) => nearestTo(i)) : [];
  const dropped: number[] = [];
  const report = every(Math.ceil(count / progressReports));
  while (dropped.length < count) {
    let i = -1;
    for (const row of alive) {
      if (nearest[row]! >= 0 && (i < 0 || between(row, nearest[row]!) > between(i, nearest[i]!))) i = row;
    }
    // Only one is left.
    if (i < 0) i = alive[0]!;
    const j = Math.max(0, nearest[i]!);
    const next = nearest[i]! < 0 || closenessOf(i) >= closenessOf(j) ? i : j;
    dropped.push(next);
    isAlive[next] = false;
    alive.splice(alive.indexOf(next), 1);
    for (const row of alive) if (nearest[row] === next) nearest[row] = nearestTo(row);
    if (report()) progress(dropped.length / count);
  }
  return dropped;
}

/** The person other than `self` whom these candidates resemble too much; null if there is none. */
export function tooAlike(candidates: readonly Candidate[], gallery: Gallery, self: PersonId | null): Person | null {
  let worst: Person | null = null;
  let closest = tooAlikeFrom;
  for (const person of gallery.people) {
    const close = person.id === self ? null : medianSimilarity(candidates, person);
    if (close !== null && close >= closest) [worst, closest] = [person, close];
  }
  return worst;
}

/** Candidates unlike every other candidate of the same person: perhaps they show somebody else. Empty with fewer than three. */
export function outliers<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  if (candidates.length < 3) return [];
  const sum = new Float64Array(candidates[0]!.vector.length);
  for (const { vector } of candidates) for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]!;
  return candidates.filter(({ vector }) => {
    const rest = Float32Array.from(sum, (value, i) => (value - vector[i]!) / (candidates.length - 1));
    const length = Math.hypot(...rest);
    if (length < 1e-6) return false;
    const middle = scattered(
      rest.map((value) => value / length),
      length,
    );
    return similarity(vector, middle) < oddBelow;
  });
}

/** Whether new candidates are unlike the person they are enrolled for: the name on the command line may be wrong. */
export function unlikeSelf(candidates: readonly Candidate[], person: Pick<Person, 'templates'>): boolean {
  return (medianSimilarity(candidates, person) ?? 1) < oddBelow;
}

function medianSimilarity(candidates: readonly Candidate[], person: Pick<Person, 'templates'>): number | null {
  const scores = candidates.map(({ vector }) => personSimilarity(vector, person)).filter((value) => value !== null);
  return scores.sort((a, b) => a - b)[scores.length >> 1] ?? null;
}

// Finds the subject of a portrait. Enrolment, the evaluation and the training package use the same rule.

/** A face with less than this share of the largest face's area is in the background. */
const background = 1 / 3;

/**
 * The subject of a picture: among the faces with at least a third of the largest face's area, the one closest to the middle of the
 * picture; of equals the first. null without faces. On LFW's development pictures, 154 of 1,549 of which show several faces, it is right
 * once more often than size times centrality.
 */
export function primaryFace<T extends Pick<Face, 'box'>>(faces: readonly T[], width: number, height: number): T | null {
  const largest = Math.max(...faces.map(area));
  let best: T | null = null;
  let nearest = Number.POSITIVE_INFINITY;
  for (const face of faces) {
    const [x, y, w, h] = face.box;
    const distance = Math.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2);
    if (area(face) >= background * largest && distance < nearest) [best, nearest] = [face, distance];
  }
  return best;
}

function area({ box }: Pick<Face, 'box'>): number {
  return box[2] * box[3];
}
