// A process that feeds a real journal with days that have HOURS of one to three faces, at 5 frames a second of a simulated clock, and
// prints the bytes that it wrote on each day: `journal-day.js DIRECTORY HOURS DAYS`.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import { createJournal } from '../../src/journal/journal.js';
import { openJournalStore } from '../../src/journal/store.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { direction } from '../room/simulator.js';
import { madeUpVector, openTestStore, space } from '../sharing/household.js';

const [directory = '', hours = '4', days = '1'] = process.argv.slice(2);
const keyFile = join(directory, 'key');
openTestStore(directory).close();

const clock = { now: 0, monotonicMs: () => clock.now, wallMs: () => 1.8e12 + clock.now };
const random = seededRandom(11);
const people = ['ada', 'ben', 'cleo'];
const faces = people.map((person) => madeUpVector(person));

interface Track {
  readonly number: number;
  readonly who: number;
  readonly endMs: number;
  observations: number;
}

let lastTrack = 0;
const tracks: Track[] = [];
let inView = 1;

/** Tracks of 4 s to 5 min, half of them shorter than 35 s. Half of the people are known. */
function observe(track: Track): DecidedObservation {
  track.observations += 1;
  const person = people[track.who]!;
  const noise = direction(192, random);
  const mixed = faces[track.who]!.map((value, i) => value * 0.8 + noise[i]! * 0.6);
  const length = Math.hypot(...mixed);
  const poor = random() < 0.15;
  const named = track.observations > 4 && track.who < 2;
  const [similarity, second] = [0.6 + random() * 0.2, 0.1 + random() * 0.2];
  const match = {
    kind: 'match',
    best: person,
    similarity,
    needed: 0.58,
    margin: { value: similarity - second, needed: 0.06 },
  } as const;
  return {
    atMs: clock.now,
    track: track.number,
    box: [random() * 1000, random() * 800, 60 + random() * 60, 60 + random() * 60],
    score: 0.7 + random() * 0.3,
    quality: {
      eyesPx: 30 + random() * 30,
      sharpness: random(),
      yawDegrees: random() * 40 - 20,
      pitchDegrees: random() * 20 - 10,
      light: random(),
      contrast: random(),
      rollDegrees: random() * 20 - 10,
      misfit: random(),
      glare: random(),
      clarity: random(),
    },
    embedding: poor ? null : mixed.map((value) => value / length),
    weight: poor ? 0 : 0.3 + random() * 0.7,
    best: poor ? null : person,
    runnerUp: poor ? null : people[(track.who + 1) % 3]!,
    similarity: poor ? null : similarity,
    second: poor ? null : second,
    margin: poor ? null : similarity - second,
    person: named ? person : null,
    state: named ? 'known' : 'unclear',
    reason: poor
      ? { kind: 'too-small', eyesPx: 9 + random(), neededPx: 12 }
      : named
        ? match
        : { kind: 'few-agreeing', best: person, agreeing: 2, needed: 3 },
  };
}

const written = (): { disk: number; calls: number } => {
  const text = readFileSync('/proc/self/io', 'utf8');
  const figure = (name: string): number => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(text)?.[1]);
  return { disk: figure('write_bytes'), calls: figure('wchar') };
};

using journal = createJournal({
  open: () => openJournalStore({ directory, keyFile, wallMs: clock.wallMs }),
  retentionMs: 86_400_000,
  space,
  people: () => new Set(people),
  clock,
  log: (_level, message) => process.stderr.write(`${message}\n`),
});
for (let day = 0; day < Number(days); day++) {
  const before = written();
  let observations = 0;
  const firstTrack = lastTrack;
  clock.now = day * 86_400_000;
  for (const endMs = clock.now + Number(hours) * 3_600_000; clock.now < endMs; clock.now += 200) {
    if (clock.now % 300_000 === 0) inView = 1 + Math.floor(random() * 3);
    for (let i = tracks.length - 1; i >= 0; i--) if (tracks[i]!.endMs < clock.now) tracks.splice(i, 1);
    while (tracks.length < inView) {
      lastTrack += 1;
      const who = Math.floor(random() * 3);
      tracks.push({ number: lastTrack, who, endMs: clock.now + 4_000 * 75 ** random(), observations: 0 });
    }
    const seen = tracks.slice(0, inView).map(observe);
    observations += seen.length;
    journal.record(seen, clock.now);
  }
  journal.flush();
  const after = written();
  using stored = openJournalStore({ directory, keyFile, wallMs: clock.wallMs });
  const entries = [...stored.since(clock.wallMs() - Number(hours) * 3_600_000 - 1)].length;
  const [diskBytes, callBytes] = [after.disk - before.disk, after.calls - before.calls];
  const figures = { observations, tracks: lastTrack - firstTrack, entries, diskBytes, callBytes };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
