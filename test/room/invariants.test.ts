// What holds in every sequence, not only in the ones somebody thought of. ROOMKIN_SEQUENCES sets how many are tried.
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

const sequences = Number(process.env['ROOMKIN_SEQUENCES'] ?? 150);
/** Decays fast, so that half a minute is longer than anybody can stay. */
const options: RoomOptions = { ...clipOptions, motionSupport: { halfLifeMs: 5000, motionLastsMs: 5000 } };

t.test(`invariants hold in ${sequences} random sequences`, async (t) => {
  const played = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  let kept = 0;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(played, (seed) => {
        const scene = randomScene(seed);
        const { frames, gallery } = simulate(scene);
        const replayed = replay(frames, gallery, options);
        noSharedNames(replayed);
        alternate(replayed.events);
        snapshotsAgree(replayed);
        leavesLate(replayed);
        bounded(replayed);
        nobodyWhoIsNotThere(replayed.events, scene);
        doubtsAreOfTwo(replayed, scene);
        nobodyStaysTooLong(replayed);
        motionBringsNobody(replayed);
        kept += keptByMotion(replayed, replay(frames.map(withoutMotion), gallery, options));
      }),
      { numRuns: sequences, seed: 20261123 },
    ),
  );
  t.ok(kept > 0, `motion kept somebody in ${kept} of them`);
});

t.test('the same sequence gives the same events', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const again = () => {
      const { frames, gallery } = simulate(randomScene(seed));
      return eventLines(replay(frames, gallery, options).events);
    };
    t.strictSame(again(), again());
  }
});

function noSharedNames({ steps }: Replayed): void {
  for (const { observations: looks, snapshot } of steps) {
    const named = looks.flatMap((look) => look.person ?? []);
    if (new Set(named).size !== named.length) throw new Error(`one name for two faces: ${named}`);
    const present = snapshot.people.map((one) => one.person);
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
    if (type === 'stranger_left' && --strangers < 0) throw new Error('a stranger left who never arrived');
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
        throw new Error('an event does not say who is present');
    }
    const people = snapshot.people.map((one) => one.person);
    if ([...people].sort().join() !== [...present].sort().join()) throw new Error('events and snapshot disagree');
    if (snapshot.strangers !== strangers) throw new Error('strangers and snapshot disagree');
    if (!snapshot.occupied && people.length + strangers > 0) throw new Error('people in an empty room');
  }
}

/** Nobody leaves before the time set has passed since the last look that had their name. */
function leavesLate({ steps }: Replayed): void {
  const last = new Map<string, number>();
  for (const { observations: looks, events } of steps) {
    for (const look of looks) if (look.person !== null) last.set(look.person, look.atMs);
    for (const event of events) {
      if (event.type !== 'left') continue;
      const after = event.atMs - last.get(event.person!)!;
      if (after < options.presence.leaveAfterMs) throw new Error(`${event.person} left after ${after} ms`);
    }
  }
}

function bounded({ steps }: Replayed): void {
  const { tracks, decisions: verdicts, unknownPeople: strangers } = steps.at(-1)!.state;
  if (tracks.tracks.length > options.tracks.maxTracks) throw new Error('too many tracks');
  if (verdicts.size !== tracks.tracks.length) throw new Error('a verdict without a track');
  if (strangers.known.length > 32) throw new Error('too many strangers');
}

/** A wrong name is worse than no name: who never walked through is never named, look-alikes apart. */
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

/** A face in doubt is one of two who are enrolled, one of whom is there; and no track is both in doubt and named. */
function doubtsAreOfTwo({ steps }: Replayed, scene: Scene): void {
  const there = new Set(scene.walks.map((walk) => walk.who));
  for (const { snapshot, state } of steps) {
    for (const { people, names } of snapshot.ambiguous) {
      if (new Set(people).size !== 2 || names.length !== 2) throw new Error(`a doubt of ${people}`);
      if (!people.some((person) => there.has(person))) throw new Error(`neither of ${people} is there`);
    }
    for (const verdict of state.decisions.values()) {
      if (verdict.ambiguousBetween !== null && (verdict.person ?? verdict.unknownPerson) !== null)
        throw new Error(`${verdict.ambiguousBetween} and ${verdict.person ?? verdict.unknownPerson} at once`);
    }
    if (!snapshot.occupied && snapshot.ambiguous.length > 0) throw new Error('a doubt in an empty room');
  }
}

/**
 * Without a face nobody stays longer than motion all the time could keep them; and once the camera was blind, no longer than the
 * time set, whatever moves. Only observed time counts.
 */
function nobodyStaysTooLong({ steps }: Replayed): void {
  const { leaveAfterMs, gapMs } = options.presence;
  const longestMs = longestStayMs(leaveAfterMs, options.motionSupport.halfLifeMs);
  const last = new Map<string, number>();
  let observedMs = 0;
  let openedMs = 0;
  let beforeMs: number | null = null;
  for (const { observations: looks, snapshot, state } of steps) {
    const atMs = state.presence.atMs!;
    const passedMs: number = beforeMs === null ? 0 : atMs - beforeMs;
    if (passedMs > gapMs) openedMs = observedMs;
    observedMs += Math.min(gapMs, passedMs);
    beforeMs = atMs;
    for (const look of looks) if (look.person !== null) last.set(look.person, observedMs);
    for (const { people } of snapshot.ambiguous) for (const person of people) last.set(person, observedMs);
    for (const { person } of snapshot.people) {
      const lookMs = last.get(person)!;
      if (observedMs - lookMs > longestMs) throw new Error(`${person} stays for ${observedMs - lookMs} ms`);
      const blind = openedMs > lookMs && observedMs - openedMs > leaveAfterMs;
      if (blind) throw new Error(`${person} stays, seen only before the camera was blind`);
    }
  }
}

/** Whoever arrives has a face in that frame, and the name. */
function motionBringsNobody({ steps }: Replayed): void {
  for (const { observations: looks, events } of steps) {
    for (const { type, person } of events) {
      if (type === 'arrived' && !looks.some((look) => look.person === person)) throw new Error(`${person} has no face`);
    }
  }
}

function withoutMotion({ moved: _, ...frame }: Observation): Observation {
  return frame;
}

/** 1 where motion kept somebody. Who is there without it is there with it too. */
function keptByMotion({ steps }: Replayed, without: Replayed): number {
  let more = 0;
  for (const [index, { snapshot }] of steps.entries()) {
    const present = new Set(snapshot.people.map((one) => one.person));
    for (const { person } of without.steps[index]!.snapshot.people) {
      if (!present.delete(person)) throw new Error(`motion drove ${person} out`);
    }
    if (present.size > 0) more = 1;
  }
  return more;
}
