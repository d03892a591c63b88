// From the first look at somebody to `arrived`, in simulated visits (a tenth of the looks is poor): what recognition waits for. The
// time that a frame takes in the engine comes on top; `roomkin status` has it.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/arrival.js [VISITS]

import { pathToFileURL } from 'node:url';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { type Scene, simulate } from '../room/simulator.js';

export interface Arrivals {
  readonly p50: number;
  readonly p95: number;
  /** Visits of eight seconds in which nobody was named. */
  readonly missed: number;
}

/** Milliseconds, over `visits` of Ada; `missed` is the share of frames in which her face is not found. */
export function measureArrival(visits: number, framesPerSecond: number, missed: number): Arrivals {
  const waits = Array.from({ length: visits }, (_, seed) => wait(seed, framesPerSecond, missed)).sort((a, b) => a - b);
  const never = waits.filter((one) => one === Number.POSITIVE_INFINITY).length;
  return { p50: waits[Math.ceil(0.5 * visits) - 1]!, p95: waits[Math.ceil(0.95 * visits) - 1]!, missed: never };
}

function wait(seed: number, framesPerSecond: number, missed: number): number {
  const scene: Scene = {
    ...{ seed, dimension: 64, framesPerSecond, durationMs: 8000, templates: 5, missed, similarity: 0.85 },
    residents: ['ada', 'ben', 'cleo'],
    walks: [{ who: 'ada', fromMs: 500, toMs: 8000, x0: 300, x1: 600, y: 400 }],
  };
  const { frames, gallery } = simulate(scene);
  const first = frames.find((frame) => frame.faces.length > 0)!.capturedAt;
  return (replay(frames, gallery, clipOptions).events[0]?.atMs ?? Number.POSITIVE_INFINITY) - first;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const visits = Number(process.argv[2] ?? 1000);
  for (const missed of [0.1, 0.3]) {
    for (const framesPerSecond of [10, 5]) {
      const { p50, p95, missed: never } = measureArrival(visits, framesPerSecond, missed);
      const shown = `${framesPerSecond} frames a second, ${missed * 100} % without the face`;
      console.log(`${shown}: p50 ${p50} ms, p95 ${p95} ms, ${never} of ${visits} never named`);
    }
  }
}
