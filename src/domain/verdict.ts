// What a track is taken for. A name needs several agreeing looks; once given it stays until the evidence speaks for
// somebody else or against it, not merely because a look was poor.
import { pooledLook } from './evidence.js';
import type { Gallery, PersonId } from './gallery.js';
import { type Identification, identify } from './identify.js';
import type { NamingOptions, RecognitionOptions } from './options.js';
import type { Confidence } from './presence.js';
import type { Track } from './tracker.js';

export interface Verdict extends Identification {
  readonly confidence: Confidence;
  /** Key of the stranger this track is, once it was called one. */
  readonly stranger: string | null;
  /** Whom each good look within the window was nearest to by itself, oldest first. */
  readonly votes: readonly Vote[];
}

interface Vote {
  readonly atMs: number;
  readonly person: PersonId | null;
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
  votes: [],
};

/** Similarity above the threshold from which a name is sure enough to be called `high`. */
const sure = 0.12;

/** Votes kept at most: a window of a minute at 10 frames a second would otherwise be 600. */
const mostVotes = 100;

/**
 * The verdict on `one` after this frame. `look` is the embedding of its look in this frame when the look counted, else null.
 */
export function decide(
  one: Track,
  look: Float32Array | null,
  before: Verdict,
  gallery: Gallery,
  options: RecognitionOptions,
): Verdict {
  const { evidence } = one;
  const { naming } = options;
  const recent = before.votes.filter((vote) => one.lastMs - vote.atMs <= naming.windowMs);
  const vote = look && { atMs: one.lastMs, person: identify(look, gallery, options.look).best };
  const votes = vote === null ? recent : [...recent, vote].slice(-mostVotes);
  const kept = { stranger: before.stranger, votes };
  // A person who was forgotten is nobody's name any more.
  const held = gallery.people.some((person) => person.id === before.person) ? before.person : null;
  const pool = pooledLook(evidence);
  if (pool === null) return { ...noVerdict, ...kept };
  const pooled = identify(pool, gallery, options.pooled);
  if (pooled.state === 'known') {
    const early = pooled.person === held ? null : tooEarly(votes, pooled.person, naming);
    if (early !== null)
      return { ...pooled, person: null, state: 'unclear', rule: early, confidence: 'medium', ...kept };
    const clear = pooled.similarity! >= options.pooled.threshold + sure;
    return { ...pooled, confidence: clear ? 'high' : 'medium', ...kept };
  }
  if (pooled.state === 'stranger') {
    const { strangerLooks, strangerWindowMs } = naming;
    const enough = evidence.looks >= strangerLooks && evidence.lastMs - evidence.firstMs >= strangerWindowMs;
    if (enough) return { ...pooled, confidence: 'medium', ...kept };
    const rule = `${pooled.rule}; ${evidence.looks} good looks, ${strangerLooks} over ${strangerWindowMs / 1000} s needed`;
    return keep({ ...pooled, state: 'unclear', rule });
  }
  return keep(pooled);

  /** Neither for a name nor against it: a name already given stays. */
  function keep(now: Identification): Verdict {
    if (held === null) return { ...now, confidence: 'medium', ...kept };
    const rule = `still ${held}: ${now.rule}`;
    return { ...now, person: held, state: 'known', rule, confidence: before.confidence, ...kept };
  }
}

function tooEarly(votes: readonly Vote[], person: PersonId | null, naming: NamingOptions): string | null {
  const agreeing = votes.filter((vote) => vote.person === person);
  if (agreeing.length < naming.leastLooks) return `${agreeing.length} agreeing looks, ${naming.leastLooks} needed`;
  const spanMs = agreeing.at(-1)!.atMs - agreeing[0]!.atMs;
  return naming.leastLooks > 1 && spanMs < naming.leastSpanMs
    ? `looks over ${spanMs.toFixed(0)} ms, ${naming.leastSpanMs} ms needed`
    : null;
}
