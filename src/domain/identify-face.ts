// One look of a still picture: the gate first, then the gallery. The daemon, `identify` and the evaluation share it.
import type { Face } from './face.js';
import type { Gallery } from './gallery.js';
import { type Identification, identify } from './identify.js';
import type { RecognitionOptions } from './options.js';
import { refusal } from './quality-gate.js';

/** Who `face` is, by this look alone. A look that is not good enough is `unclear`, with the reason as its rule. */
export function identifyFace(
  face: Pick<Face, 'score' | 'quality' | 'embedding'>,
  gallery: Gallery,
  options: Pick<RecognitionOptions, 'gate' | 'look'>,
): Identification {
  const poor = refusal(face, options.gate);
  if (poor === null && face.embedding !== null) return identify(face.embedding, gallery, options.look);
  const nothing = { person: null, best: null, runnerUp: null, similarity: null, second: null, margin: null };
  return { ...nothing, state: 'unclear', rule: poor ?? 'too poor to be embedded' };
}
