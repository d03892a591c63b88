// What is said of a look and of a track whose right name is known, for the evaluation. Everything as the daemon does it.

import { type Identification, identify, identifyFace } from '../../gallery/identify.js';
import type { Gallery } from '../../gallery/person.js';
import { decide, noVerdict } from '../../recognition/decide.js';
import { identifyTrack } from '../../recognition/sequential-test.js';
import { addLook, noEvidence } from '../../recognition/track-embedding.js';
import type { RoomOptions } from '../../room/options.js';
import type { Face } from '../../vision/face.js';
import { weight } from '../../vision/quality-gate.js';

export type Portrait = Pick<Face, 'score' | 'quality' | 'embedding'>;

/** One decision: how near the nearest person was, and what was said. */
export interface Outcome {
  /** Similarity of the nearest person; minus infinity where no face was found. */
  readonly nearest: number;
  readonly right: boolean;
  readonly named: 'right' | 'wrong' | 'nobody';
  /** Said to be one of two, and is. */
  readonly ambiguous: boolean;
}

/** A second between looks would be another track's worth of standing about; a room camera gives ten. */
const lookMs = 100;

/** The track as the daemon takes it, look by look. A name counts from the first moment it is said, whatever is said later. */
export function judgeTrack(
  looks: readonly Portrait[],
  gallery: Gallery,
  options: RoomOptions,
  name: string | null,
): Outcome {
  let verdict = noVerdict;
  let evidence = noEvidence;
  const said = new Set<string | null>();
  for (const [index, look] of looks.entries()) {
    const atMs = index * lookMs;
    const weighs = weight(look, options.gate);
    if (look.embedding !== null) evidence = addLook(evidence, look.embedding, weighs, atMs, options.tracks);
    verdict = decide({ evidence, lastMs: atMs }, weighs > 0 ? look.embedding : null, verdict, gallery, options);
    if (verdict.person !== null) said.add(verdict.person);
  }
  const found = identifyTrack(evidence, gallery, options);
  const wrong = [...said].find((person) => person !== name);
  return judge(found, wrong ?? [...said][0] ?? null, name, verdict.between);
}

/** One look of a still picture; null where no face was found. */
export function judgeLook(look: Portrait | null, gallery: Gallery, options: RoomOptions, name: string | null): Outcome {
  // The nearest person whatever the quality, for the curve.
  const closest = look?.embedding == null ? null : identify(look.embedding, gallery, options.look);
  const said = look && identifyFace(look, gallery, options);
  const between = said?.state === 'ambiguous' ? [said.best, said.runnerUp] : null;
  return judge(closest, said?.person ?? null, name, between);
}

function judge(
  closest: Identification | null,
  person: string | null,
  name: string | null,
  between: readonly (string | null)[] | null,
): Outcome {
  return {
    nearest: closest?.similarity ?? Number.NEGATIVE_INFINITY,
    right: closest !== null && closest.best === name,
    named: person === null ? 'nobody' : person === name ? 'right' : 'wrong',
    ambiguous: name !== null && between?.includes(name) === true,
  };
}
