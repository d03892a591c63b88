// Which candidates of a person are worth keeping. Pure: photos were analysed before, the gallery is written after. The limits were
// measured in the teacher's space on 100 people with 5 portraits each (498 candidates, 9,900 ordered pairs of people).
import type { Face } from '../vision/face.js';
import { defaultGate, refusal } from '../vision/quality-gate.js';
import type { Gallery, Person, PersonId } from './person.js';
import { reasonText } from './reason-text.js';
import { personSimilarity, similarity } from './similarity.js';

/** Two candidates closer than this are one candidate twice: different portraits of one person reached 0.961 at most. */
export const duplicateAbove = 0.98;
/** A person whose candidates are this close to another's, in the median, is too like them: different people reached 0.521. */
const tooAlikeFrom = 0.55;
/** A look further than this from all others of its person is odd: 99 % of the right ones were above 0.549. */
export const oddBelow = 0.35;
/** Somebody in the background: eyes nearer together than this share of the subject's. */
const backgroundShare = 1 / 3;
/** Between the eyes, pixels of the photo: below, a template is a guess. */
const leastEyesPx = 20;
/** Templates kept of a person. */
export const mostTemplates = 40;

const gate = { ...defaultGate, leastEyesPx };

export type TemplateCandidate =
  | { readonly face: Face & { readonly embedding: Float32Array } }
  | { readonly refused: 'PHOTO_NO_FACE' | 'PHOTO_TWO_FACES'; readonly why: string };

/**
 * The face that a photo enrols: the most prominent one, if every other face is clearly in the background (its eyes less than a
 * third as far apart) and it is good enough to be a template. `why` ends a sentence that starts with the file's name.
 */
export function templateCandidate(faces: readonly Face[], width: number, height: number): TemplateCandidate {
  const face = primaryFace(faces, width, height);
  if (!face) return { refused: 'PHOTO_NO_FACE', why: 'shows no face: take one from the front, in light' };
  const others = faces.filter(
    (other) => other !== face && other.quality.eyesPx >= backgroundShare * face.quality.eyesPx,
  );
  if (others.length > 0) {
    const count = others.length + 1;
    return { refused: 'PHOTO_TWO_FACES', why: `shows ${count} faces: cut out the one that is meant` };
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
  /** To be added, in the order given. */
  readonly add: readonly T[];
  /** Left out: there is such a template already, or there are enough better ones. */
  readonly redundant: readonly T[];
  /** Ids of kept templates that make room. */
  readonly remove: readonly number[];
}

/**
 * Chooses among the templates that a person has and new candidates: twins (above 0.98) are left out, then, above
 * `most`, one of the two closest goes until the rest is as varied as it can be.
 */
export function chooseTemplates<T extends Candidate>(
  person: Pick<Person, 'templates'>,
  candidates: readonly T[],
  most = mostTemplates,
): Choice<T> {
  const kept: { vector: Float32Array; id: number | null; candidate: T | null }[] = person.templates.map(
    ({ id, vector }) => ({
      id,
      vector,
      candidate: null,
    }),
  );
  const redundant: T[] = [];
  for (const candidate of candidates) {
    if (kept.some(({ vector }) => similarity(vector, candidate.vector) > duplicateAbove)) redundant.push(candidate);
    else kept.push({ vector: candidate.vector, id: null, candidate });
  }
  const remove: number[] = [];
  while (kept.length > most) {
    const [gone] = kept.splice(mostRedundant(kept), 1);
    if (gone?.id != null) remove.push(gone.id);
    else if (gone?.candidate) redundant.push(gone.candidate);
  }
  return { add: kept.flatMap(({ candidate }) => (candidate ? [candidate] : [])), redundant, remove };
}

/** Of the closest pair the one that is also closer to the rest. */
function mostRedundant(kept: readonly Candidate[]): number {
  const mean = (of: Candidate): number => kept.reduce((sum, other) => sum + similarity(of.vector, other.vector), 0);
  let pair = [0, 1] as [number, number];
  let closest = Number.NEGATIVE_INFINITY;
  kept.forEach((a, i) => {
    kept.slice(0, i).forEach((b, j) => {
      const close = similarity(a.vector, b.vector);
      if (close > closest) [closest, pair] = [close, [j, i]];
    });
  });
  const [j, i] = pair;
  return mean(kept[i]!) >= mean(kept[j]!) ? i : j;
}

/** The person, other than `self`, whom these candidates could be taken for; null if there is none. */
export function tooAlike(candidates: readonly Candidate[], gallery: Gallery, self: PersonId | null): Person | null {
  let worst: Person | null = null;
  let closest = tooAlikeFrom;
  for (const person of gallery.people) {
    const close = person.id === self ? null : medianSimilarity(candidates, person);
    if (close !== null && close >= closest) [worst, closest] = [person, close];
  }
  return worst;
}

/** Candidates that are unlike every other candidate of the same enrolment: perhaps of somebody else. Needs three to tell. */
export function outliers<T extends Candidate>(candidates: readonly T[]): readonly T[] {
  if (candidates.length < 3) return [];
  return candidates.filter((candidate) => {
    const rest = candidates.filter((other) => other !== candidate).map(({ vector }) => ({ id: 0, vector }));
    return (personSimilarity(candidate.vector, { templates: rest }) ?? 1) < oddBelow;
  });
}

/** Whether new candidates are unlike the person they are meant to be of: a wrong name on the command line, perhaps. */
export function unlikeSelf(candidates: readonly Candidate[], person: Pick<Person, 'templates'>): boolean {
  return (medianSimilarity(candidates, person) ?? 1) < oddBelow;
}

function medianSimilarity(candidates: readonly Candidate[], person: Pick<Person, 'templates'>): number | null {
  const all = candidates.map(({ vector }) => personSimilarity(vector, person)).filter((value) => value !== null);
  return all.sort((a, b) => a - b)[all.length >> 1] ?? null;
}

// Which face a portrait is of. Enrolment, the evaluation and the training package use this one rule.

/** A face this much smaller in area than the largest is somebody in the background. */
const background = 1 / 3;

/**
 * The face that a picture is meant to show: of those at least a third as large (in area) as the largest, the one nearest to
 * the middle of the picture; of equals the first. null without faces. On LFW's development pictures, where 154 of 1,549 show
 * several faces, it takes the right one once more than size times centrality did.
 */
export function primaryFace<T extends Pick<Face, 'box'>>(faces: readonly T[], width: number, height: number): T | null {
  const largest = Math.max(...faces.map(area));
  let best: T | null = null;
  let nearest = Number.POSITIVE_INFINITY;
  for (const face of faces) {
    const [x, y, w, h] = face.box;
    const away = Math.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2);
    if (area(face) >= background * largest && away < nearest) [best, nearest] = [face, away];
  }
  return best;
}

function area({ box }: Pick<Face, 'box'>): number {
  return box[2] * box[3];
}
