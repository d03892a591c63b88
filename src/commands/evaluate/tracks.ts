// How a face and a track of a person whose name is known are decided, for the evaluation. A track goes through the same step as
// the frames of a room.
import { type FaceReason, type Identification, identify, identifyFace } from '../../gallery/identify.js';
import type { Gallery } from '../../gallery/person.js';
import type { RoomOptions } from '../../room/options.js';
import { step, startRoom } from '../../room/step.js';
import type { Face } from '../../vision/face.js';

export type Portrait = Pick<Face, 'score' | 'quality' | 'embedding'>;

/** One decision on a face or a track. */
export interface Outcome {
  /** Similarity of the nearest person; minus infinity where no face was found. */
  readonly nearest: number;
  /** Whether the nearest person is the right one. */
  readonly right: boolean;
  readonly named: 'right' | 'wrong' | 'nobody';
  /** Decided to be one of two people, of whom one is right. */
  readonly ambiguous: boolean;
}

/** Time between two observations: a camera at ten frames a second. */
const intervalMs = 100;
const frameSize = { width: 1280, height: 960 };
/** Where the face stays. The quality of each portrait was measured before, so the size of the box decides nothing. */
const box = [560, 400, 160, 160] as const;

/**
 * A room sees the face of each portrait in turn, at one place, `intervalMs` apart. A name counts from the moment that the room
 * publishes it, whatever it publishes later; a wrong one outweighs a right one. `name`: null for somebody who is not in the gallery.
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
    const result = step(state, frame, gallery, options);
    state = result.state;
    for (const { type, person } of result.events) if (type === 'arrived' && person !== null) arrived.push(person);
    between = result.snapshot.ambiguous.flatMap(({ people }) => people);
  }
  const wrong = arrived.find((person) => person !== name);
  return judge(closest([...state.decisions.values()]), wrong ?? arrived[0] ?? null, name, between);
}

/** One still picture; null where no face was found. */
export function evaluatePicture(
  portrait: Portrait | null,
  gallery: Gallery,
  options: RoomOptions,
  name: string | null,
): Outcome {
  // The nearest person whatever the quality, for the curve.
  const nearest = portrait?.embedding == null ? null : identify(portrait.embedding, gallery, options.single);
  const decided = portrait && identifyFace(portrait, gallery, options);
  return judge(nearest, decided?.person ?? null, name, decided === null ? [] : pairOf(decided));
}

function pairOf({ state, best, runnerUp }: Identification<FaceReason>): readonly string[] {
  return state === 'ambiguous' ? [best, runnerUp].filter((person) => person !== null) : [];
}

type Nearest = Pick<Identification, 'best' | 'similarity'>;

/** Of the tracks that the portraits were split into, the one that is nearest to somebody. */
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
