// The decision on a track. A name needs several agreeing observations. Once given, it stays until the track embedding supports
// another person or nobody; low-quality observations alone do not remove it.
import { type Identification, identify, type NotYetStranger, type Pair } from '../gallery/identify.js';
import type { Gallery, PersonId } from '../gallery/person.js';
import type { Reason } from '../gallery/reason.js';
import type { NamingOptions, RecognitionOptions } from './options.js';
import { identifyTrack } from './sequential-test.js';
import type { TrackEmbedding } from './track-embedding.js';
import type { Track } from './tracker.js';

/** How sure a name is: `high` where the sequential test has accepted the person. */
export type Confidence = 'high' | 'medium';

export interface TrackDecision extends Identification<Reason> {
  readonly confidence: Confidence;
  /**
   * Two people whom enough observations for a name could not tell apart. Stays until one of them is named, or until the track
   * is decided to be neither.
   */
  readonly ambiguousBetween: Pair | null;
  /** Key of the unknown person on this track; null before the track was decided to be a stranger. */
  readonly unknownPerson: string | null;
  /** The nearest person of each usable observation within the window, oldest first. */
  readonly votes: readonly Vote[];
  /** When the track embedding was last enough for the name; null before the first time. */
  readonly namedMs: number | null;
  /** Each of the newest observations identifies another person: the earlier observations of the track must not count for them. */
  readonly personChanged: boolean;
}

interface Vote {
  readonly atMs: number;
  readonly person: PersonId | null;
  /** Whether this observation alone is enough for the name. */
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

/** Bounds the memory: a window of a minute at 10 frames per second would hold 600 votes. */
const maxVotes = 100;

/**
 * The decision on `track` after this frame. `embedding` is that of its observation in this frame; null where the frame has no
 * usable one. Pure.
 */
export function decideTrack(
  track: Pick<Track, 'pooled' | 'lastMs'>,
  embedding: Float32Array | null,
  before: TrackDecision,
  gallery: Gallery,
  options: RecognitionOptions,
): TrackDecision {
  const { pooled, lastMs } = track;
  const { naming } = options;
  const recentVotes = before.votes.filter((vote) => lastMs - vote.atMs <= naming.windowMs);
  const single = embedding && identify(embedding, gallery, options.single);
  const vote = single && { atMs: lastMs, person: single.best, sure: single.state === 'known' };
  const votes = vote === null ? recentVotes : [...recentVotes, vote].slice(-maxVotes);
  // The name of a forgotten person does not stay.
  const currentName = gallery.people.some((person) => person.id === before.person) ? before.person : null;
  const carried = {
    ambiguousBetween: null,
    unknownPerson: before.unknownPerson,
    votes,
    namedMs: before.namedMs,
    personChanged: false,
  };
  const identification = identifyTrack(pooled, gallery, options);
  if (identification === null) return { ...undecided, ...carried };
  const unnamed = { ...identification, person: null, state: 'unclear', confidence: 'medium', ...carried } as const;
  if (currentName !== null && isPersonChanged(votes, currentName, naming))
    return { ...unnamed, reason: { kind: 'person-changed', before: currentName }, personChanged: true };
  // A negative template takes effect at once, also on a track that already has the name.
  if (
    currentName !== null &&
    identification.reason.kind === 'nearer-to-negative' &&
    identification.best === currentName
  )
    return { ...unnamed, namedMs: null };
  if (identification.person !== null) {
    const tooEarly = identification.person === currentName ? null : whyTooEarly(votes, identification.person, naming);
    if (tooEarly !== null) return { ...unnamed, reason: tooEarly };
    return { ...identification, confidence: identification.sure ? 'high' : 'medium', ...carried, namedMs: lastMs };
  }
  if (identification.state === 'stranger') {
    const because = notYetStranger(pooled, carried.namedMs, naming);
    if (because === null) return { ...identification, confidence: 'medium', ...carried };
    return keepName({
      ...identification,
      state: 'unclear',
      reason: { kind: 'not-yet-stranger', because, compared: identification.reason },
    });
  }
  return keepName(identification);

  /** The comparison supports no other decision, so a name that the track already has stays. */
  function keepName(compared: Identification<Reason>): TrackDecision {
    if (currentName === null) {
      const ambiguousBetween = ambiguousPair(compared, votes, before, naming);
      return { ...compared, confidence: 'medium', ...carried, ambiguousBetween };
    }
    const reason = { kind: 'name-kept', person: currentName, because: compared.reason } as const;
    return { ...compared, person: currentName, state: 'known', reason, confidence: before.confidence, ...carried };
  }
}

/** Why the track is not decided to be a stranger yet: that needs good observations over some time, and no recent name. */
function notYetStranger(pooled: TrackEmbedding, namedMs: number | null, naming: NamingOptions): NotYetStranger | null {
  const { strangerObservations: needed, strangerWindowMs: overMs, strangerAfterNameMs } = naming;
  if (!Number.isFinite(needed)) return { kind: 'strangers-off' };
  if (pooled.goodObservations < needed || pooled.lastMs - pooled.firstMs < overMs)
    return { kind: 'few-good', good: pooled.goodObservations, needed, overMs };
  return namedMs !== null && pooled.lastMs - namedMs < strangerAfterNameMs ? { kind: 'just-named' } : null;
}

/** Whether the newest observations, as many as a name needs, each identify the same person, and it is not `currentName`. */
function isPersonChanged(votes: readonly Vote[], currentName: PersonId, naming: NamingOptions): boolean {
  const newest = votes.slice(-naming.leastAgreeing);
  const other = newest[0]?.person;
  return (
    newest.length === naming.leastAgreeing &&
    other !== currentName &&
    newest.every((vote) => vote.sure && vote.person === other)
  );
}

/**
 * The two people between whom the track is ambiguous; null where it is not. Needs as many observations as a name; the same
 * pair as before stays while nothing else is decided.
 */
function ambiguousPair(
  compared: Identification<Reason>,
  votes: readonly Vote[],
  before: TrackDecision,
  naming: NamingOptions,
): Pair | null {
  const { best, runnerUp } = compared;
  if (best === null || runnerUp === null) return null;
  const pair: Pair = best < runnerUp ? [best, runnerUp] : [runnerUp, best];
  if (before.ambiguousBetween?.join() === pair.join()) return pair;
  const votesForPair = votes.filter(({ person }) => person === best || person === runnerUp);
  return compared.state === 'ambiguous' && whyTooFew(votesForPair, best, naming) === null ? pair : null;
}

/** Why `person` cannot be named yet; null where they can. */
function whyTooEarly(votes: readonly Vote[], person: PersonId, naming: NamingOptions): Reason | null {
  const agreeing = votes.filter((vote) => vote.person === person);
  return whyTooFew(agreeing, person, naming);
}

/** Why these votes are not enough for the name `best`; null where they are. */
function whyTooFew(agreeing: readonly Vote[], best: PersonId, naming: NamingOptions): Reason | null {
  if (agreeing.length < naming.leastAgreeing)
    return { kind: 'few-agreeing', best, agreeing: agreeing.length, needed: naming.leastAgreeing };
  const spanMs = agreeing.at(-1)!.atMs - agreeing[0]!.atMs;
  return naming.leastAgreeing > 1 && spanMs < naming.leastSpanMs
    ? { kind: 'short-span', best, spanMs, neededMs: naming.leastSpanMs }
    : null;
}

/**
 * `identifications` of the faces of one frame, with each name given to at most one of them: the face with the greatest
 * `strength` (default: its similarity). At equal strength the earlier face keeps the name. The other faces become `ambiguous`;
 * they never get the second-best name.
 */
export function assignNames<T extends Identification<Reason>>(
  identifications: readonly T[],
  strength: (identification: T, index: number) => number = (identification) => identification.similarity ?? 0,
): T[] {
  const faceOfPerson = new Map<string, number>();
  identifications.forEach((identification, index) => {
    if (identification.person === null) return;
    const other = faceOfPerson.get(identification.person);
    if (other === undefined || strength(identification, index) > strength(identifications[other]!, other)) {
      faceOfPerson.set(identification.person, index);
    }
  });
  return identifications.map((identification, index) => {
    if (identification.person === null || faceOfPerson.get(identification.person) === index) return identification;
    return {
      ...identification,
      person: null,
      state: 'ambiguous',
      reason: { kind: 'name-given-elsewhere', best: identification.person },
    };
  });
}
