// The decision on a picture or a track of a person whose name is known, for the evaluation. A track goes through the same step as the
// frames of a room.
import { type FaceReason, type Identification, identify, identifyFace } from '../../gallery/identify.js';
import type { Gallery } from '../../gallery/person.js';
import type { RoomOptions } from '../../room/options.js';
import { asScheduled, startRoom, step } from '../../room/step.js';
import type { Face } from '../../vision/face.js';

export type Portrait = Pick<Face, 'score' | 'quality' | 'embedding'>;

/** One decision on a face or a track. */
export interface Outcome {
  /** Similarity of the nearest person; minus infinity where no face was detected. */
  readonly nearest: number;
  /** Whether the nearest person is the right one. */
  readonly right: boolean;
  readonly named: 'right' | 'wrong' | 'nobody';
  /** Decided to be ambiguous between two people, one of whom is right. */
  readonly ambiguous: boolean;
}

/** Time between two observations: a camera at ten frames a second. */
const intervalMs = 100;
const frameSize = { width: 1280, height: 960 };
/** The position of the face. The quality of each portrait was measured before, so the size of the box has no effect. */
const box = [560, 400, 160, 160] as const;

/**
 * A room observes the face of each portrait in turn, in one position, `intervalMs` apart. Every name that the room publishes counts,
 * also if it changes later; a wrong name counts more than a right one. `name`: null for an unknown person.
 */
export function evaluateTrack(
  portraits: readonly Portrait[],
  gallery: Gallery,
  options: RoomOptions,
  name: string | null,
): Outcome {
  let state = startRoom(0);
  const arrived: string[] = [];
  let between: readonly string[] = [];
  for (const [index, portrait] of portraits.entries()) {
    const frame = { capturedAt: index * intervalMs, sequence: index, ...frameSize, faces: [{ box, ...portrait }] };
    const result = step(state, asScheduled(state, frame), gallery, options);
    state = result.state;
    for (const { type, person } of result.events) if (type === 'arrived' && person !== null) arrived.push(person);
    between = result.snapshot.ambiguous.flatMap(({ people }) => people);
  }
  const wrong = arrived.find((person) => person !== name);
  return judge(closest([...state.decisions.values()]), wrong ?? arrived[0] ?? null, name, between);
}

/** One still picture; `portrait` is null where no face was detected. */
export function evaluatePicture(
  portrait: Portrait | null,
  gallery: Gallery,
  options: RoomOptions,
  name: string | null,
): Outcome {
  // For the curve, the nearest person counts whatever the quality is.
  const nearest = portrait?.embedding == null ? null : identify(portrait.embedding, gallery, options.single);
  const decided = portrait && identifyFace(portrait, gallery, options);
  return judge(nearest, decided?.person ?? null, name, decided === null ? [] : pairOf(decided));
}

function pairOf({ state, best, runnerUp }: Identification<FaceReason>): readonly string[] {
  return state === 'ambiguous' ? [best, runnerUp].filter((person) => person !== null) : [];
}

type Nearest = Pick<Identification, 'best' | 'similarity'>;

/** The tracker may split the portraits into several tracks: the one that is nearest to a person. */
function closest(tracks: readonly Nearest[]): Nearest | null {
  return tracks.toSorted((a, b) => (b.similarity ?? -1) - (a.similarity ?? -1))[0] ?? null;
}

function judge(
  nearest: Nearest | null,
  person: string | null,
  name: string | null,
  between: readonly string[],
): Outcome {
  return {
    nearest: nearest?.similarity ?? Number.NEGATIVE_INFINITY,
    right: nearest !== null && nearest.best === name,
    named: person === null ? 'nobody' : person === name ? 'right' : 'wrong',
    ambiguous: name !== null && between.includes(name),
  };
}
