// Identification in many random households: FNIR, FPIR and wrong names, at thresholds chosen on the probes themselves (the curve) and
// at the shipped ones (what a user gets). Pure: the result depends on the seed alone.
import type { Gallery } from '../../gallery/person.js';
import { centre, similarity } from '../../gallery/similarity.js';
import type { RoomOptions } from '../../room/options.js';
import { type DetCurve, detCurve } from './det.js';
import { type Random, seededRandom, shuffled } from './random.js';
import { evaluatePicture, evaluateTrack, type Outcome, type Portrait } from './tracks.js';
import { thresholdAtRate } from './verification.js';

/** The face of one picture as a reference and as a probe (which may be degraded); null where none was detected. */
export interface Picture {
  readonly reference: Portrait | null;
  readonly probe: Portrait | null;
}

export interface Identity {
  readonly name: string;
  readonly pictures: readonly Picture[];
}

export interface HouseholdsPlan {
  readonly people: number;
  readonly references: number;
  readonly trials: number;
  readonly seed: number;
  /** Draw members in pairs of people who look alike, like relatives. */
  readonly alike?: boolean;
}

interface Shipped {
  /** Share of members who do not get their name: no name, or a wrong one. */
  readonly fnir: number;
  /** Share of unknown people who get a name. */
  readonly fpir: number;
  /** Share of members who get a wrong name. */
  readonly misidentified: number;
  /** Share of members who get no name because they are ambiguous between themselves and another person. */
  readonly ambiguous: number;
}

interface Rates<F extends string> {
  /** Probes of members. */
  readonly probes: number;
  /** Probes of unknown people. */
  readonly strangers: number;
  /** FNIR at the threshold that this share of unknown people passes. */
  readonly fnirAtFpir: Readonly<Record<F, number>>;
  /** FNIR over FPIR at all thresholds. */
  readonly det: DetCurve;
  readonly atShippedThreshold: Shipped;
}

export interface HouseholdsResult extends Rates<'0.01' | '0.001'> {
  readonly households: number;
  readonly people: number;
  readonly references: number;
  /** Mean similarity within the pairs of members who look alike; null where members were drawn at random. */
  readonly alike: number | null;
  /** The same for tracks of five observations; null where nobody has enough pictures. */
  readonly tracks: (Rates<'0.01' | '0.002' | '0.001'> & { readonly looks: number }) | null;
}

const observationsPerTrack = 5;

interface Tally {
  readonly members: Outcome[];
  readonly unknownPeople: Outcome[];
}

/**
 * Draws `trials` households of `people` identities with `references` pictures each. The other pictures of the members are the
 * probes; all pictures of everybody else are the unknown people. A member without a detected face counts as not named, and so does
 * an unknown person. `calibrated` is applied to each gallery before it is used. Throws RangeError when too few identities have
 * more than `references` pictures with a detected face.
 */
export function households(
  identities: readonly Identity[],
  plan: HouseholdsPlan,
  options: RoomOptions,
  calibrated: (gallery: Gallery) => Gallery = (gallery) => gallery,
): HouseholdsResult {
  const random = seededRandom(plan.seed);
  const fit = identities.filter((identity) => usable(identity).length > plan.references);
  if (fit.length < plan.people || identities.length <= plan.people) {
    const needed = `more than ${plan.references} pictures with a face`;
    throw new RangeError(`${fit.length} people with ${needed} and ${identities.length} in all`);
  }
  const vectors = fit.map((identity) => ({
    identity,
    vectors: usable(identity).map(({ reference }) => reference!.embedding!),
  }));
  const pairSimilarities: number[] = [];
  const singles: Tally = { members: [], unknownPeople: [] };
  const tracks: Tally = { members: [], unknownPeople: [] };
  for (let trial = 0; trial < plan.trials; trial++) {
    const { drawn: members, alike } = plan.alike
      ? drawRelatives(vectors, plan.people, random)
      : { drawn: shuffled(fit, random).slice(0, plan.people), alike: 0 };
    pairSimilarities.push(alike);
    const drawn = members.map((member) => {
      const references = new Set(shuffled(usable(member), random).slice(0, plan.references));
      return { member, references, probes: member.pictures.filter((picture) => !references.has(picture)) };
    });
    const gallery = calibrated(galleryOf(drawn));
    for (const { member, probes } of drawn) measure(probes, member.name, singles.members, tracks.members);
    for (const other of identities) {
      if (!members.includes(other)) measure(other.pictures, null, singles.unknownPeople, tracks.unknownPeople);
    }
    function measure(pictures: readonly Picture[], name: string | null, single: Outcome[], pooled: Outcome[]): void {
      for (const { probe } of pictures) single.push(evaluatePicture(probe, gallery, options, name));
      for (const track of inTracks(pictures, random)) pooled.push(evaluateTrack(track, gallery, options, name));
    }
  }
  const measured = tracks.members.length > 0 && tracks.unknownPeople.length > 0;
  return {
    households: plan.trials,
    people: plan.people,
    references: plan.references,
    alike: plan.alike ? pairSimilarities.reduce((sum, mean) => sum + mean, 0) / pairSimilarities.length : null,
    ...rates(singles, { '0.01': 0.01, '0.001': 0.001 }),
    tracks: measured
      ? { looks: observationsPerTrack, ...rates(tracks, { '0.01': 0.01, '0.002': 0.002, '0.001': 0.001 }) }
      : null,
  };
}

function usable(identity: Identity): Picture[] {
  return identity.pictures.filter((picture) => picture.reference?.embedding != null);
}

function galleryOf(drawn: readonly { member: Identity; references: ReadonlySet<Picture> }[]): Gallery {
  const people = drawn.map(({ member, references }) => ({
    id: member.name,
    name: member.name,
    templates: [...references].map(({ reference }, id) => ({ id, vector: reference!.embedding! })),
  }));
  return { space: 'evaluation', version: 0, people, cohort: [] };
}

/** Whole tracks only: the remaining pictures of a person are too few for a track. */
function inTracks(pictures: readonly Picture[], random: Random): Portrait[][] {
  const probes = shuffled(pictures, random).flatMap(({ probe }) => (probe === null ? [] : [probe]));
  const count = Math.floor(probes.length / observationsPerTrack);
  return Array.from({ length: count }, (_, i) =>
    probes.slice(i * observationsPerTrack, (i + 1) * observationsPerTrack),
  );
}

function rates<F extends string>({ members, unknownPeople }: Tally, fpirs: Readonly<Record<F, number>>): Rates<F> {
  const rate = (outcomes: readonly Outcome[], isCounted: (outcome: Outcome) => boolean) =>
    outcomes.filter(isCounted).length / outcomes.length;
  const scores = unknownPeople.map((outcome) => outcome.nearest);
  const curve = Object.entries<number>(fpirs).map(([label, fpir]) => {
    const threshold = thresholdAtRate(scores, fpir);
    return [label, rate(members, ({ right, nearest }) => !(right && nearest > threshold))];
  });
  return {
    probes: members.length,
    strangers: unknownPeople.length,
    fnirAtFpir: Object.fromEntries(curve),
    det: detCurve(
      members.map(({ right, nearest }) => (right ? nearest : Number.NEGATIVE_INFINITY)),
      scores,
    ),
    atShippedThreshold: {
      fnir: rate(members, ({ named }) => named !== 'right'),
      fpir: rate(unknownPeople, ({ named }) => named !== 'nobody'),
      misidentified: rate(members, ({ named }) => named === 'wrong'),
      ambiguous: rate(members, ({ named, ambiguous }) => named === 'nobody' && ambiguous),
    },
  };
}

// Households in which people look alike: pairs of the most similar identities, like siblings.

/** A person and the unit vectors of all their pictures. */
export interface IdentityVectors<T> {
  readonly identity: T;
  readonly vectors: readonly Float32Array[];
}

/**
 * Draws `count` of `all` in pairs: one person at random, then the most similar one of the rest. `alike` is the mean similarity
 * between the centres of each pair.
 */
function drawRelatives<T>(
  all: readonly IdentityVectors<T>[],
  count: number,
  random: Random,
): { readonly drawn: readonly T[]; readonly alike: number } {
  const rest = shuffled(all, random).map(({ identity, vectors }) => ({ identity, middle: centre(vectors) }));
  const drawn: T[] = [];
  const alike: number[] = [];
  while (drawn.length < count) {
    const first = rest.pop()!;
    drawn.push(first.identity);
    if (drawn.length === count) break;
    const scores = rest.map(({ middle }) => (first.middle && middle ? similarity(first.middle, middle) : -1));
    const best = scores.indexOf(Math.max(...scores));
    alike.push(scores[best]!);
    drawn.push(rest.splice(best, 1)[0]!.identity);
  }
  return { drawn, alike: alike.reduce((sum, score) => sum + score, 0) / Math.max(1, alike.length) };
}
