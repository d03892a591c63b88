// Many random households out of folders of people: how often a member is missed or misnamed and a stranger named, at
// thresholds chosen on the answers (the curve) and at the shipped ones (what a user gets). Pure: the seed decides everything.
import type { Gallery } from '../../gallery/person.js';
import { centre, similarity } from '../../gallery/similarity.js';
import type { RoomOptions } from '../../room/options.js';
import { type Random, seededRandom, shuffled } from './random.js';
import { evaluatePicture, evaluateTrack, type Outcome, type Portrait } from './tracks.js';
import { thresholdAtRate } from './verification.js';

/** One picture: its face as a reference and as a probe (degraded, perhaps); null where none was found. */
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
  /** Draw members in pairs of people who look alike, as relatives do. */
  readonly alike?: boolean;
}

interface Shipped {
  /** Share of members not named, or named as somebody else. */
  readonly fnir: number;
  /** Share of strangers who got a name. */
  readonly fpir: number;
  /** Share of members named as somebody else. */
  readonly misidentified: number;
  /** Share of members said to be one of two who are too much alike, of whom they are one. */
  readonly ambiguous: number;
}

interface Rates<F extends string> {
  readonly probes: number;
  readonly strangers: number;
  /** Share of members who are not the nearest, or not near enough, where that share of strangers is near enough. */
  readonly fnirAtFpir: Readonly<Record<F, number>>;
  readonly atShippedThreshold: Shipped;
}

export interface HouseholdsResult extends Rates<'0.01' | '0.001'> {
  readonly households: number;
  readonly people: number;
  readonly references: number;
  /** Mean similarity within the pairs of members who look alike; null where they were drawn by chance. */
  readonly alike: number | null;
  /** The same for five looks pooled as a track pools them. */
  readonly tracks: (Rates<'0.01' | '0.002' | '0.001'> & { readonly looks: number }) | null;
}

const looksPerTrack = 5;

interface Tally {
  readonly members: Outcome[];
  readonly strangers: Outcome[];
}

/**
 * Draws `trials` households of `people` identities with `references` pictures each; their other pictures are the
 * probes, all pictures of everybody else the strangers. An undetected member counts as missed; an undetected stranger as not
 * named. `calibrated` is what is done to each gallery before it is used. Throws RangeError when there are too few identities with more than `references` detected pictures.
 */
export function households(
  identities: readonly Identity[],
  plan: HouseholdsPlan,
  options: RoomOptions,
  calibrated: (gallery: Gallery) => Gallery = (gallery) => gallery,
): HouseholdsResult {
  const random = seededRandom(plan.seed);
  const fit = identities.filter((one) => usable(one).length > plan.references);
  if (fit.length < plan.people || identities.length <= plan.people) {
    const needed = `more than ${plan.references} pictures with a face`;
    throw new RangeError(`${fit.length} people with ${needed} and ${identities.length} in all`);
  }
  const vectors = fit.map((one) => ({ one, vectors: usable(one).map(({ reference }) => reference!.embedding!) }));
  const alike: number[] = [];
  const looks: Tally = { members: [], strangers: [] };
  const tracks: Tally = { members: [], strangers: [] };
  for (let trial = 0; trial < plan.trials; trial++) {
    const { drawn: members, alike: pairs } = plan.alike
      ? drawRelatives(vectors, plan.people, random)
      : { drawn: shuffled(fit, random).slice(0, plan.people), alike: 0 };
    alike.push(pairs);
    const drawn = members.map((member) => {
      const references = new Set(shuffled(usable(member), random).slice(0, plan.references));
      return { member, references, probes: member.pictures.filter((picture) => !references.has(picture)) };
    });
    const gallery = calibrated(galleryOf(drawn));
    for (const { member, probes } of drawn) measure(probes, member.name, looks.members, tracks.members);
    for (const other of identities) {
      if (!members.includes(other)) measure(other.pictures, null, looks.strangers, tracks.strangers);
    }
    function measure(pictures: readonly Picture[], name: string | null, single: Outcome[], pooled: Outcome[]): void {
      for (const { probe } of pictures) single.push(evaluatePicture(probe, gallery, options, name));
      for (const track of inTracks(pictures, random)) pooled.push(evaluateTrack(track, gallery, options, name));
    }
  }
  const measured = tracks.members.length > 0 && tracks.strangers.length > 0;
  return {
    households: plan.trials,
    people: plan.people,
    references: plan.references,
    alike: plan.alike ? alike.reduce((sum, pairs) => sum + pairs, 0) / alike.length : null,
    ...rates(looks, { '0.01': 0.01, '0.001': 0.001 }),
    tracks: measured
      ? { looks: looksPerTrack, ...rates(tracks, { '0.01': 0.01, '0.002': 0.002, '0.001': 0.001 }) }
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

/** Whole tracks only: what is left over of a person's pictures is not a track of five looks. */
function inTracks(pictures: readonly Picture[], random: Random): Portrait[][] {
  const looks = shuffled(pictures, random).flatMap(({ probe }) => (probe === null ? [] : [probe]));
  const count = Math.floor(looks.length / looksPerTrack);
  return Array.from({ length: count }, (_, i) => looks.slice(i * looksPerTrack, (i + 1) * looksPerTrack));
}

function rates<F extends string>({ members, strangers }: Tally, fpirs: Readonly<Record<F, number>>): Rates<F> {
  const share = (of: readonly Outcome[], what: (one: Outcome) => boolean) => of.filter(what).length / of.length;
  const scores = strangers.map((one) => one.nearest);
  const curve = Object.entries<number>(fpirs).map(([label, fpir]) => {
    const threshold = thresholdAtRate(scores, fpir);
    return [label, share(members, (one) => !(one.right && one.nearest > threshold))];
  });
  return {
    probes: members.length,
    strangers: strangers.length,
    fnirAtFpir: Object.fromEntries(curve),
    atShippedThreshold: {
      fnir: share(members, (one) => one.named !== 'right'),
      fpir: share(strangers, (one) => one.named !== 'nobody'),
      misidentified: share(members, (one) => one.named === 'wrong'),
      ambiguous: share(members, (one) => one.named === 'nobody' && one.ambiguous),
    },
  };
}

// Households in which people look alike, for the evaluation: pairs of the most similar identities, as siblings are among a family.

/** Somebody and the unit vectors of all their pictures. */
export interface IdentityVectors<T> {
  readonly one: T;
  readonly vectors: readonly Float32Array[];
}

/**
 * Draws `count` of `all` in pairs: somebody by chance, then whoever of the rest is most like them. `alike` tells how similar the
 * pairs are, in the mean of their centres' similarity.
 */
export function drawRelatives<T>(
  all: readonly IdentityVectors<T>[],
  count: number,
  random: Random,
): { readonly drawn: readonly T[]; readonly alike: number } {
  const rest = shuffled(all, random).map(({ one, vectors }) => ({ one, middle: centre(vectors) }));
  const drawn: T[] = [];
  const alike: number[] = [];
  while (drawn.length < count) {
    const first = rest.pop()!;
    drawn.push(first.one);
    if (drawn.length === count) break;
    const scores = rest.map(({ middle }) => (first.middle && middle ? similarity(first.middle, middle) : -1));
    const best = scores.indexOf(Math.max(...scores));
    alike.push(scores[best]!);
    drawn.push(rest.splice(best, 1)[0]!.one);
  }
  return { drawn, alike: alike.reduce((sum, score) => sum + score, 0) / Math.max(1, alike.length) };
}
