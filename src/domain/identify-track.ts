// Who a track is by all it has seen. Presence and the evaluation share it.
import { type Evidence, effectiveLooks, pooledLook } from './evidence.js';
import type { Gallery } from './gallery.js';
import { type Identification, identify } from './identify.js';
import type { RecognitionOptions } from './options.js';
import { boundaries } from './sequential-test.js';

export interface TrackIdentification extends Identification {
  /** Whether the name is beyond Wald's boundary, which no more looks than allowed of a stranger's ever reach. */
  readonly sure: boolean;
}

/**
 * Identifies the pooled look; null before the first look that counted. A name needs the person's threshold; "stranger" needs
 * everybody's lower boundary passed. The margin needed falls with the number of looks: by `margin / looks` above the final one,
 * for between people who look alike a few looks point either way by chance.
 */
export function identifyTrack(
  evidence: Evidence,
  gallery: Gallery,
  options: Pick<RecognitionOptions, 'pooled' | 'tracks'>,
): TrackIdentification | null {
  const look = pooledLook(evidence);
  if (look === null) return null;
  const { threshold, margin } = options.pooled;
  const looks = Math.max(1, effectiveLooks(evidence, options.tracks));
  const found = identify(look, gallery, (person) => {
    const needed = threshold + (person.adjustment?.spared ?? 0);
    return {
      threshold: needed,
      margin: margin * (1 + 1 / looks),
      // Whoever is near enough for a name is no stranger.
      strangerBelow: Math.min(boundaries(person, looks).stranger, needed + (person.adjustment?.threshold ?? 0)),
    };
  });
  const person = found.person === null ? undefined : gallery.people.find(({ id }) => id === found.person);
  return { ...found, sure: person !== undefined && found.similarity! >= boundaries(person, looks).sure };
}
