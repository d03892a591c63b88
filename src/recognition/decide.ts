// What a track is taken for. A name needs several agreeing looks; once given it stays until the evidence speaks for
// somebody else or against it, not merely because a look was poor.
import { type Identification, identify, type Pair } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { NamingOptions, RecognitionOptions } from './options.js';
import type { NotYetStranger, Reason } from './reason.js';
import { identifyTrack } from './sequential-test.js';
import type { TrackEmbedding } from './track-embedding.js';
import type { Track } from './tracker.js';

/** How sure a name is: `high` where the sequential test has decided. */
export type Confidence = 'high' | 'medium';

export interface TrackDecision extends Identification<Reason> {
  readonly confidence: Confidence;
  /** The two people whom good looks, as many as a name needs, could not tell apart; stays until one is named or neither is it. */
  readonly ambiguousBetween: Pair | null;
  /** Key of the stranger this track is, once it was called one. */
  readonly unknownPerson: string | null;
  /** Whom each good look within the window was nearest to by itself, oldest first. */
  readonly votes: readonly Vote[];
  /** When the evidence last was enough for the name; null before the first. */
  readonly namedMs: number | null;
  /** The newest looks are somebody else's, each for itself: what the track saw before does not count for them. */
  readonly personChanged: boolean;
}

interface Vote {
  readonly atMs: number;
  readonly person: PersonId | null;
  /** Whether this look alone would be enough for the name. */
  readonly sure: boolean;
}

export const undecided: TrackDecision = {
  person: null,
  state: 'unclear',
  best: null,
  runnerUp: null,
  similarity: null,
  second: null,
  margin: null,
  reason: { kind: 'nothing-compared' },
  confidence: 'medium',
  ambiguousBetween: null,
  unknownPerson: null,
  votes: [],
  namedMs: null,
  personChanged: false,
};

/** Votes kept at most: a window of a minute at 10 frames a second would otherwise be 600. */
const mostVotes = 100;

/**
 * The decision on `track` after this frame. `embedding` is that of its observation in this frame where it counted, else null.
 * Pure.
 */
export function decideTrack(
  track: Pick<Track, 'pooled' | 'lastMs'>,
  embedding: Float32Array | null,
  before: TrackDecision,
  gallery: Gallery,
  options: RecognitionOptions,
): TrackDecision {
  const { pooled: evidence, lastMs } = track;
  const { naming } = options;
  const recent = before.votes.filter((vote) => lastMs - vote.atMs <= naming.windowMs);
  const alone = embedding && identify(embedding, gallery, options.single);
  const vote = alone && { atMs: lastMs, person: alone.best, sure: alone.state === 'known' };
  const votes = vote === null ? recent : [...recent, vote].slice(-mostVotes);
  // A person who was forgotten is nobody's name any more.
  const held = gallery.people.some((person) => person.id === before.person) ? before.person : null;
  const kept = { between: null, stranger: before.unknownPerson, votes, namedMs: before.namedMs, swapped: false };
  const pooled = identifyTrack(evidence, gallery, options);
  if (pooled === null) return { ...undecided, ...kept };
  const lost = { ...pooled, person: null, state: 'unclear', confidence: 'medium', ...kept } as const;
  if (held !== null && isPersonChanged(votes, held, naming))
    return { ...lost, reason: { kind: 'person-changed', before: held }, personChanged: true };
  // A negative template counts at once, also for a track that has the name already.
  if (held !== null && pooled.reason.kind === 'nearer-to-negative' && pooled.best === held)
    return { ...lost, namedMs: null };
  if (pooled.person !== null) {
    const early = pooled.person === held ? null : tooEarly(votes, pooled.person, naming);
    if (early !== null) return { ...lost, reason: early };
    return { ...pooled, confidence: pooled.sure ? 'high' : 'medium', ...kept, namedMs: lastMs };
  }
  if (pooled.state === 'stranger') {
    const because = notYetStranger(evidence, kept.namedMs, naming);
    if (because === null) return { ...pooled, confidence: 'medium', ...kept };
    return keep({
      ...pooled,
      state: 'unclear',
      reason: { kind: 'not-yet-stranger', because, compared: pooled.reason },
    });
  }
  return keep(pooled);

  /** Neither for a name nor against it: a name already given stays. */
  function keep(now: Identification<Reason>): TrackDecision {
    if (held === null) return { ...now, confidence: 'medium', ...kept, ambiguousBetween: between(now, votes, before, naming) };
    const reason = { kind: 'name-kept', person: held, because: now.reason } as const;
    return { ...now, person: held, state: 'known', reason, confidence: before.confidence, ...kept };
  }
}

/** Why the track is not called a stranger yet: that needs good observations over some time, and no name given just before. */
function notYetStranger(evidence: TrackEmbedding, namedMs: number | null, naming: NamingOptions): NotYetStranger | null {
  const { strangerObservations: needed, strangerWindowMs: overMs, strangerAfterNameMs } = naming;
  if (!Number.isFinite(needed)) return { kind: 'strangers-off' };
  if (evidence.goodObservations < needed || evidence.lastMs - evidence.firstMs < overMs)
    return { kind: 'few-good', good: evidence.goodObservations, needed, overMs };
  return namedMs !== null && evidence.lastMs - namedMs < strangerAfterNameMs ? { kind: 'just-named' } : null;
}

/** Whether the newest looks, as many as a name needs, are each surely one other person. */
function isPersonChanged(votes: readonly Vote[], held: PersonId, naming: NamingOptions): boolean {
  const newest = votes.slice(-naming.leastAgreeing);
  const other = newest[0]?.person;
  return (
    newest.length === naming.leastAgreeing && other !== held && newest.every((vote) => vote.sure && vote.person === other)
  );
}

/** Whom the face is one of: two who are too close for as many looks as a name needs, or still, while nothing else is known. */
function between(
  now: Identification<Reason>,
  votes: readonly Vote[],
  before: TrackDecision,
  naming: NamingOptions,
): Pair | null {
  const { best, runnerUp } = now;
  if (best === null || runnerUp === null) return null;
  const pair: Pair = best < runnerUp ? [best, runnerUp] : [runnerUp, best];
  if (before.ambiguousBetween?.join() === pair.join()) return pair;
  const looks = votes.filter(({ person }) => person === best || person === runnerUp);
  return now.state === 'ambiguous' && tooFew(looks, best, naming) === null ? pair : null;
}

function tooEarly(votes: readonly Vote[], person: PersonId, naming: NamingOptions): Reason | null {
  const agreeing = votes.filter((vote) => vote.person === person);
  return tooFew(agreeing, person, naming);
}

/** Why these observations are not enough for a name of `best`; null where they are. */
function tooFew(agreeing: readonly Vote[], best: PersonId, naming: NamingOptions): Reason | null {
  if (agreeing.length < naming.leastAgreeing)
    return { kind: 'few-agreeing', best, agreeing: agreeing.length, needed: naming.leastAgreeing };
  const spanMs = agreeing.at(-1)!.atMs - agreeing[0]!.atMs;
  return naming.leastAgreeing > 1 && spanMs < naming.leastSpanMs
    ? { kind: 'short-span', best, spanMs, neededMs: naming.leastSpanMs }
    : null;
}

// No two faces of one frame share a name: the closest keeps it, the others become ambiguous, never a second guess.

/**
 * `identifications` of the faces of one frame, with each name kept by at most one of them. `claim` says how strong a
 * face's claim to its name is (default: its similarity); of equal claims the earlier face keeps the name.
 */
export function assignNames<T extends Identification<Reason>>(
  identifications: readonly T[],
  claim: (identification: T, index: number) => number = (identification) => identification.similarity ?? 0,
): T[] {
  const keeper = new Map<string, number>();
  identifications.forEach((identification, index) => {
    if (identification.person === null) return;
    const other = keeper.get(identification.person);
    if (other === undefined || claim(identification, index) > claim(identifications[other]!, other)) {
      keeper.set(identification.person, index);
    }
  });
  return identifications.map((identification, index) => {
    if (identification.person === null || keeper.get(identification.person) === index) return identification;
    return {
      ...identification,
      person: null,
      state: 'ambiguous',
      reason: { kind: 'name-given-elsewhere', best: identification.person },
    };
  });
}
