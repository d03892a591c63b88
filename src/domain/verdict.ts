// What a track is taken for. A name needs several agreeing looks; once given it stays until the evidence speaks for
// somebody else or against it, not merely because a look was poor.
import { pooledLook } from './evidence.js';
import type { Gallery } from './gallery.js';
import { type Identification, identify } from './identify.js';
import type { NamingOptions, RecognitionOptions } from './options.js';
import type { Confidence } from './presence.js';
import type { Track } from './tracker.js';

export interface Verdict extends Identification {
  readonly confidence: Confidence;
  /** Key of the stranger this track is, once it was called one. */
  readonly stranger: string | null;
}

export const noVerdict: Verdict = {
  person: null,
  state: 'unclear',
  best: null,
  runnerUp: null,
  similarity: null,
  second: null,
  margin: null,
  rule: 'no look was good enough yet',
  confidence: 'medium',
  stranger: null,
};

/** Similarity above the threshold from which a name is sure enough to be called `high`. */
const sure = 0.12;

/** The verdict on `one` after its newest look. */
export function decide(one: Track, before: Verdict, gallery: Gallery, options: RecognitionOptions): Verdict {
  const { evidence } = one;
  // A person who was forgotten is nobody's name any more.
  const held = gallery.people.some((person) => person.id === before.person) ? before.person : null;
  const look = pooledLook(evidence);
  if (look === null) return { ...noVerdict, stranger: before.stranger };
  const pooled = identify(look, gallery, options.pooled);
  const stranger = before.stranger;
  const span = evidence.lastMs - evidence.firstMs;
  if (pooled.state === 'known') {
    const early = tooEarly(evidence.looks, span, options.naming);
    if (early !== null && pooled.person !== held) {
      return { ...pooled, person: null, state: 'unclear', rule: early, confidence: 'medium', stranger };
    }
    const clear = pooled.similarity! >= options.pooled.threshold + sure;
    return { ...pooled, confidence: clear ? 'high' : 'medium', stranger };
  }
  if (pooled.state === 'stranger') {
    const { strangerLooks, strangerWindowMs } = options.naming;
    const enough = evidence.looks >= strangerLooks && span >= strangerWindowMs;
    if (enough) return { ...pooled, confidence: 'medium', stranger };
    const rule = `${pooled.rule}; ${evidence.looks} good looks, ${strangerLooks} over ${strangerWindowMs / 1000} s needed`;
    return keep({ ...pooled, state: 'unclear', rule });
  }
  return keep(pooled);

  /** Neither for a name nor against it: a name already given stays. */
  function keep(now: Identification): Verdict {
    if (held === null) return { ...now, confidence: 'medium', stranger };
    const rule = `still ${held}: ${now.rule}`;
    return { ...now, person: held, state: 'known', rule, confidence: before.confidence, stranger };
  }
}

function tooEarly(looks: number, spanMs: number, naming: NamingOptions): string | null {
  if (looks < naming.leastLooks) return `${looks} good looks, ${naming.leastLooks} needed`;
  if (spanMs < naming.windowMs) return `looks over ${spanMs.toFixed(0)} ms, ${naming.windowMs} ms needed`;
  return null;
}
