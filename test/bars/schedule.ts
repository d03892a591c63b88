// Compares "embed every face of every frame" with the schedule (src/recognition/embedding-schedule.ts) on the same simulated rooms: wrong
// names, missed people, time to a name, and the share of faces that are embedded. In each room Ada sits for a minute, Ben, who looks like
// her, walks past, an unknown person stays for a while, and Cleo's place is taken by Dora within a quarter of a second.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/schedule.js [ROOMS] [FPS] [SIMILARITY] [ALIKE]
//
// SIMILARITY: of an observation to its person, 0.85. ALIKE: of Ada to Ben, 0.6; Cleo and Dora have 0.2 less.
import { pathToFileURL } from 'node:url';
import { quantile } from '../../src/base/stats.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import { noStaticFaces } from '../../src/recognition/static-faces.js';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { type Scene, simulate } from '../room/simulator.js';

const placeTakenMs = 30_000;
const durationMs = 60_000;

const walks: Scene['walks'] = [
  { who: 'ada', fromMs: 500, toMs: durationMs, x0: 300, x1: 306, y: 400 },
  { who: 'ben', fromMs: 8000, toMs: 16_000, x0: 80, x1: 1200, y: 430 },
  { who: 'zoe', fromMs: 12_000, toMs: 50_000, x0: 620, x1: 640, y: 500 },
  { who: 'cleo', fromMs: 2000, toMs: placeTakenMs, x0: 950, x1: 950, y: 420 },
  { who: 'dora', fromMs: placeTakenMs + 250, toMs: durationMs, x0: 952, x1: 952, y: 421 },
];

export interface ScheduleResult {
  /** Arrivals of somebody who was not in the room at the time. */
  readonly wrong: number;
  /** Of four residents in each room, those who never arrived. */
  readonly missed: number;
  /** From the first frame that shows a resident to their arrival, milliseconds, without Dora. */
  readonly p50: number;
  readonly p95: number;
  /** The same for Dora, who sits down where Cleo was. */
  readonly takenP50: number;
  readonly takenP95: number;
  /** Share of faces that were embedded. */
  readonly embedded: number;
}

/** The same rooms in every run. */
export function measureSchedule(
  rooms: number,
  framesPerSecond: number,
  isScheduled: boolean,
  { similarity = 0.85, alike = 0.6 } = {},
): ScheduleResult {
  const waits: number[] = [];
  const takenWaits: number[] = [];
  let [wrong, missed, faces, embedded] = [0, 0, 0, 0];
  for (let seed = 0; seed < rooms; seed++) {
    const { frames, gallery } = simulate({
      ...{ seed, dimension: 64, framesPerSecond, durationMs, templates: 5, missed: 0.1, similarity, walks },
      residents: ['ada', 'ben', 'cleo', 'dora', 'emil'],
      alike: [
        ['ada', 'ben', alike],
        ['cleo', 'dora', alike - 0.2],
      ],
    });
    const { events, steps } = replay(frames, gallery, clipOptions, noStaticFaces, isScheduled);
    wrong += events.filter(isWrong).length;
    for (const { who, fromMs } of walks.filter(({ who }) => who !== 'zoe')) {
      const arrival = events.find(({ type, person }) => type === 'arrived' && person === who);
      if (arrival === undefined) missed++;
      else (who === 'dora' ? takenWaits : waits).push(arrival.atMs - fromMs);
    }
    for (const { observations } of steps) {
      faces += observations.length;
      embedded += observations.filter(({ embedding }) => embedding !== null).length;
    }
  }
  return {
    wrong,
    missed,
    p50: quantile(waits, 0.5) ?? Number.NaN,
    p95: quantile(waits, 0.95) ?? Number.NaN,
    takenP50: quantile(takenWaits, 0.5) ?? Number.NaN,
    takenP95: quantile(takenWaits, 0.95) ?? Number.NaN,
    embedded: embedded / faces,
  };
}

/** An arrival of a resident who was not in the room within the last two seconds: a track lives for so long. */
function isWrong({ type, person, atMs }: PresenceEvent): boolean {
  return (
    type === 'arrived' &&
    !walks.some(
      ({ who, fromMs, toMs }) => who === person && atMs >= fromMs && atMs <= toMs + clipOptions.tracks.lostAfterMs,
    )
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [rooms = 300, framesPerSecond = 5, similarity = 0.85, alike = 0.6] = process.argv.slice(2).map(Number);
  for (const isScheduled of [false, true]) {
    const { wrong, missed, p50, p95, takenP50, takenP95, embedded } = measureSchedule(
      rooms,
      framesPerSecond,
      isScheduled,
      { similarity, alike },
    );
    process.stdout.write(
      `${isScheduled ? 'schedule:   ' : 'every frame:'} ${wrong} wrong arrivals, ${missed} of ${4 * rooms} residents missed, ` +
        `arrived after p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms; in another's place p50 ${takenP50.toFixed(0)} ms, ` +
        `p95 ${takenP95.toFixed(0)} ms; ${(100 * embedded).toFixed(1)} % of faces embedded\n`,
    );
  }
}
