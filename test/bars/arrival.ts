// Measures the time from the first observation of a person to `arrived`, in simulated visits (a tenth of the observations is
// unusable). Faces are embedded as the schedule says (src/recognition/embedding-schedule.ts). The engine's time per frame is not included; `roomkin status` shows it.
//
//   npx tsc -p tsconfig.test.json && node .test-build/test/bars/arrival.js [VISITS]

import { pathToFileURL } from 'node:url';
import { noStaticFaces } from '../../src/recognition/static-faces.js';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { type Scene, simulate } from '../room/simulator.js';

export interface Arrivals {
  readonly p50: number;
  readonly p95: number;
  /** Number of visits (eight seconds each) in which nobody was named. */
  readonly missed: number;
}

/** Quantiles in milliseconds over `visits` visits of Ada; `missed` is the share of frames in which her face is not detected. */
export function measureArrival(visits: number, framesPerSecond: number, missed: number): Arrivals {
  const waits = Array.from({ length: visits }, (_, seed) => waitMs(seed, framesPerSecond, missed)).sort(
    (a, b) => a - b,
  );
  const neverNamed = waits.filter((wait) => wait === Number.POSITIVE_INFINITY).length;
  return { p50: waits[Math.ceil(0.5 * visits) - 1]!, p95: waits[Math.ceil(0.95 * visits) - 1]!, missed: neverNamed };
}

function waitMs(seed: number, framesPerSecond: number, missed: number): number {
  const scene: Scene = {
    ...{ seed, dimension: 64, framesPerSecond, durationMs: 8000, templates: 5, missed, similarity: 0.85 },
    residents: ['ada', 'ben', 'cleo'],
    walks: [{ who: 'ada', fromMs: 500, toMs: 8000, x0: 300, x1: 600, y: 400 }],
  };
  const { frames, gallery } = simulate(scene);
  const firstMs = frames.find((frame) => frame.faces.length > 0)!.capturedAt;
  return (
    (replay(frames, gallery, clipOptions, noStaticFaces, true).events[0]?.atMs ?? Number.POSITIVE_INFINITY) - firstMs
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const visits = Number(process.argv[2] ?? 1000);
  for (const missed of [0.1, 0.3]) {
    for (const framesPerSecond of [10, 5]) {
      const { p50, p95, missed: neverNamed } = measureArrival(visits, framesPerSecond, missed);
      const label = `${framesPerSecond} frames per second, ${missed * 100} % without the face`;
      console.log(`${label}: p50 ${p50} ms, p95 ${p95} ms, ${neverNamed} of ${visits} never named`);
    }
  }
}
