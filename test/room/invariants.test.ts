// Invariants of the decision step, checked on random sequences. ROOMKIN_SEQUENCES sets how many are tried.
import fc from 'fast-check';
import t from 'tap';
import type { PresenceEvent } from '../../src/presence/presence.js';
import type { RoomOptions } from '../../src/room/options.js';
import type { Observation } from '../../src/vision/face.js';
import { clipOptions } from './clip-options.js';
import { longestStayMs } from './longest-stay.js';
import { eventLines, type Replayed, replay } from './replay-clip.js';
import { randomScene } from './sequences.js';
import { type Scene, simulate } from './simulator.js';

const sequences = Number(process.env['ROOMKIN_SEQUENCES'] ?? 20);
/** Motion support decays fast, so that nobody can stay for half a minute without a face. */
const options: RoomOptions = { ...clipOptions, motionSupport: { halfLifeMs: 5000, motionLastsMs: 5000 } };

t.test(`invariants hold in ${sequences} random sequences`, async (t) => {
  const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  let keptCount = 0;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(seeds, (seed) => {
        const scene = randomScene(seed);
        const { frames, gallery } = simulate(scene);
        const replayed = replay(frames, gallery, options);
        noSharedNames(replayed);
        alternate(replayed.events);
        snapshotsAgree(replayed);
        leavesLate(replayed);
        bounded(replayed);
        nobodyWhoIsNotThere(replayed.events, scene);
        ambiguousBetweenTwo(replayed, scene);
        nobodyStaysTooLong(replayed);
        motionBringsNobody(replayed);
        keptCount += keptByMotion(replayed, replay(frames.map(withoutMotion), gallery, options));
      }),
      { numRuns: sequences, seed: 20261123 },
    ),
  );
  t.ok(keptCount > 0, `motion kept somebody present in ${keptCount} of them`);
});

t.test('the same sequence gives the same events', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const play = () => {
      const { frames, gallery } = simulate(randomScene(seed));
      return eventLines(replay(frames, gallery, options).events);
    };
    t.strictSame(play(), play());
  }
});

function noSharedNames({ steps }: Replayed): void {
  for (const { observations, snapshot } of steps) {
    const named = observations.flatMap(({ person }) => person ?? []);
    if (new Set(named).size !== named.length) throw new Error(`one name for two faces: ${named}`);
    const present = snapshot.people.map(({ person }) => person);
    if (new Set(present).size !== present.length) throw new Error(`present twice: ${present}`);
  }
}

function alternate(events: readonly PresenceEvent[]): void {
  const present = new Set<string>();
  let strangers = 0;
  for (const { type, person } of events) {
    if (type === 'arrived' && present.has(person!)) throw new Error(`${person} arrived twice`);
    if (type === 'left' && !present.has(person!)) throw new Error(`${person} left without having arrived`);
    if (type === 'arrived') present.add(person!);
    if (type === 'left') present.delete(person!);
    if (type === 'stranger_arrived') strangers++;
    if (type === 'stranger_left' && --strangers < 0) throw new Error('an unknown person left without having arrived');
  }
}

function snapshotsAgree({ steps }: Replayed): void {
  const present = new Set<string>();
  let strangers = 0;
  for (const { events, snapshot } of steps) {
    for (const { type, person, present: after } of events) {
      if (type === 'arrived') present.add(person!);
      if (type === 'left') present.delete(person!);
      if (type === 'stranger_arrived') strangers++;
      if (type === 'stranger_left') strangers--;
      if ([...after].sort().join() !== [...present].sort().join())
        throw new Error('the `present` of an event is wrong');
    }
    const people = snapshot.people.map(({ person }) => person);
    if ([...people].sort().join() !== [...present].sort().join()) throw new Error('events and snapshot disagree');
    if (snapshot.strangers !== strangers) throw new Error('events and snapshot disagree about strangers');
    if (!snapshot.occupied && people.length + strangers > 0) throw new Error('people in an empty room');
  }
}

/** Nobody leaves before the configured time has passed since the last observation that had their name. */
function leavesLate({ steps }: Replayed): void {
  const last = new Map<string, number>();
  for (const { observations, events } of steps) {
    for (const { person, atMs } of observations) if (person !== null) last.set(person, atMs);
    for (const event of events) {
      if (event.type !== 'left') continue;
      const after = event.atMs - last.get(event.person!)!;
      if (after < options.presence.leaveAfterMs) throw new Error(`${event.person} left after ${after} ms`);
    }
  }
}

function bounded({ steps }: Replayed): void {
  const { tracks, decisions, unknownPeople } = steps.at(-1)!.state;
  if (tracks.tracks.length > options.tracks.maxTracks) throw new Error('too many tracks');
  if (decisions.size !== tracks.tracks.length) throw new Error('a decision without a track');
  if (unknownPeople.known.length > 32) throw new Error('too many unknown people');
}

/** A wrong name is worse than no name: a person who is not in the scene is never named, except for look-alikes. */
function nobodyWhoIsNotThere(events: readonly PresenceEvent[], scene: Scene): void {
  const there = new Set(scene.walks.map((walk) => walk.who));
  for (const pair of scene.alike ?? []) {
    const [a, b, cosine] = pair;
    if (cosine < 0.9) continue;
    if (there.has(a) || there.has(b)) there.add(a).add(b);
  }
  for (const { type, person } of events) {
    if (type === 'arrived' && !there.has(person!)) throw new Error(`${person} was named and is not there`);
  }
}

/** An ambiguous face is one of two enrolled people, at least one of whom is there. No track is both ambiguous and decided. */
function ambiguousBetweenTwo({ steps }: Replayed, scene: Scene): void {
  const there = new Set(scene.walks.map((walk) => walk.who));
  for (const { snapshot, state } of steps) {
    for (const { people, names } of snapshot.ambiguous) {
      if (new Set(people).size !== 2 || names.length !== 2) throw new Error(`ambiguous between ${people}`);
      if (!people.some((person) => there.has(person))) throw new Error(`neither of ${people} is there`);
    }
    for (const { ambiguousBetween, person, unknownPerson } of state.decisions.values()) {
      const decided = person ?? unknownPerson;
      if (ambiguousBetween !== null && decided !== null) throw new Error(`${ambiguousBetween} and ${decided} at once`);
    }
    if (!snapshot.occupied && snapshot.ambiguous.length > 0) throw new Error('an ambiguous face in an empty room');
  }
}

/**
 * Without a face nobody stays longer than continuous motion can keep them. After a blind camera nobody stays longer than the
 * configured time, whatever moves. Only observed time counts.
 */
function nobodyStaysTooLong({ steps }: Replayed): void {
  const { leaveAfterMs, gapMs } = options.presence;
  const longestMs = longestStayMs(leaveAfterMs, options.motionSupport.halfLifeMs);
  const last = new Map<string, number>();
  let observedMs = 0;
  let openedMs = 0;
  let beforeMs: number | null = null;
  for (const { observations, snapshot, state } of steps) {
    const atMs = state.presence.atMs!;
    const passedMs: number = beforeMs === null ? 0 : atMs - beforeMs;
    if (passedMs > gapMs) openedMs = observedMs;
    observedMs += Math.min(gapMs, passedMs);
    beforeMs = atMs;
    for (const { person } of observations) if (person !== null) last.set(person, observedMs);
    for (const { people } of snapshot.ambiguous) for (const person of people) last.set(person, observedMs);
    for (const { person } of snapshot.people) {
      const seenMs = last.get(person)!;
      if (observedMs - seenMs > longestMs) throw new Error(`${person} stays for ${observedMs - seenMs} ms`);
      const isFromBefore = openedMs > seenMs && observedMs - openedMs > leaveAfterMs;
      if (isFromBefore) throw new Error(`${person} stays, but was last seen before the camera was blind`);
    }
  }
}

/** Everybody who arrives has a named face in that frame. */
function motionBringsNobody({ steps }: Replayed): void {
  for (const { observations, events } of steps) {
    const named = new Set(observations.map(({ person }) => person));
    for (const { type, person } of events) {
      if (type === 'arrived' && !named.has(person)) throw new Error(`${person} has no face`);
    }
  }
}

function withoutMotion({ moved: _, ...frame }: Observation): Observation {
  return frame;
}

/** 1 where motion kept somebody present, else 0. Throws where motion made somebody leave. */
function keptByMotion({ steps }: Replayed, without: Replayed): number {
  let kept = 0;
  for (const [index, { snapshot }] of steps.entries()) {
    const present = new Set(snapshot.people.map(({ person }) => person));
    for (const { person } of without.steps[index]!.snapshot.people) {
      if (!present.delete(person)) throw new Error(`motion made ${person} leave`);
    }
    if (present.size > 0) kept = 1;
  }
  return kept;
}
