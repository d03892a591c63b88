// Chooses the templates of a person. Pure: photos are analysed before, the gallery is written after. The limits were measured in the
// teacher's space on 100 people with 5 portraits each (498 candidates, 9,900 ordered pairs of people).
import type { Face } from '../vision/face.js';
import { defaultGate, refusal } from '../vision/quality-gate.js';
import type { Gallery, Person, PersonId } from './person.js';
import { reasonText } from './reason-text.js';
import { personSimilarity, similarity } from './similarity.js';

/** Candidates closer than this are duplicates: different portraits of one person reached at most 0.961. */
export const duplicateAbove = 0.98;
/** From this median similarity to another person on, the candidates may be that person: different people reached 0.521. */
const tooAlikeFrom = 0.55;
/** A candidate below this similarity to all others of its person is unusual: 99 % of the correct ones were above 0.549. */
export const oddBelow = 0.35;
/** A face is in the background if its eyes are closer together than this share of the subject's. */
const backgroundShare = 1 / 3;
/** Least distance between the eyes, pixels of the photo. Below it an embedding is unreliable. */
const leastEyesPx = 20;
/** The most templates of a person. */
export const mostTemplates = 40;

const gate = { ...defaultGate, leastEyesPx };

export type TemplateCandidate =
  | { readonly face: Face & { readonly embedding: Float32Array } }
  | { readonly refused: 'PHOTO_NO_FACE' | 'PHOTO_TWO_FACES'; readonly why: string };

/**
 * The face that a photo enrols: the most prominent one, if it is good enough for a template and every other face is clearly in the
 * background (its eyes less than a third as far apart). `why` continues a sentence that starts with the file's name.
 */
export function templateCandidate(faces: readonly Face[], width: number, height: number): TemplateCandidate {
  const face = primaryFace(faces, width, height);
  if (!face) return { refused: 'PHOTO_NO_FACE', why: 'shows no face: take a photo from the front in good light' };
  const others = faces.filter(
    (other) => other !== face && other.quality.eyesPx >= backgroundShare * face.quality.eyesPx,
  );
  if (others.length > 0) {
    const count = others.length + 1;
    return { refused: 'PHOTO_TWO_FACES', why: `shows ${count} faces: crop the photo to the person` };
  }
  const poor = refusal(face, gate);
  const { embedding } = face;
  if (poor || !embedding) {
    const why = reasonText(poor ?? { kind: 'not-embedded' }, new Map());
    return { refused: 'PHOTO_NO_FACE', why: `shows no usable face: ${why}` };
  }
  return { face: { ...face, embedding } };
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

/**
 * Chooses among the stored templates of a person and new candidates. Duplicates (above 0.98) are dropped. Above `most` templates, one of
 * the two closest is dropped repeatedly, so that the rest stays as varied as possible.
 */
export function chooseTemplates<T extends Candidate>(
  person: Pick<Person, 'templates'>,
  candidates: readonly T[],
  most = mostTemplates,
): Choice<T> {
  const chosen: { vector: Float32Array; id: number | null; candidate: T | null }[] = person.templates.map(
    ({ id, vector }) => ({
      id,
      vector,
      candidate: null,
    }),
  );
  const redundant: T[] = [];
  for (const candidate of candidates) {
    if (chosen.some(({ vector }) => similarity(vector, candidate.vector) > duplicateAbove)) redundant.push(candidate);
    else chosen.push({ vector: candidate.vector, id: null, candidate });
  }
  const remove: number[] = [];
  while (chosen.length > most) {
    const [dropped] = chosen.splice(mostRedundant(chosen), 1);
    if (dropped?.id != null) remove.push(dropped.id);
    else if (dropped?.candidate) redundant.push(dropped.candidate);
  }
  return { add: chosen.flatMap(({ candidate }) => (candidate ? [candidate] : [])), redundant, remove };
}

/** Index of that candidate of the closest pair that is also closer to the rest. */
function mostRedundant(candidates: readonly Candidate[]): number {
  const closenessOf = (candidate: Candidate): number =>
    candidates.reduce((sum, other) => sum + similarity(candidate.vector, other.vector), 0);
  let pair = [0, 1] as [number, number];
  let closest = Number.NEGATIVE_INFINITY;
  candidates.forEach((a, i) => {
    candidates.slice(0, i).forEach((b, j) => {
      const close = similarity(a.vector, b.vector);
      if (close > closest) [closest, pair] = [close, [j, i]];
    });
  });
  const [j, i] = pair;
  return closenessOf(candidates[i]!) >= closenessOf(candidates[j]!) ? i : j;
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
  return candidates.filter((candidate) => {
    const rest = candidates.filter((other) => other !== candidate).map(({ vector }) => ({ id: 0, vector }));
    return (personSimilarity(candidate.vector, { templates: rest }) ?? 1) < oddBelow;
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
