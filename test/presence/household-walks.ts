// Random walks through simulated houses. To simulate 10,000 walks (one person's path through five rooms for a minute, two people
// per house) and print the worst: `npx tsc -p tsconfig.test.json && node .test-build/test/presence/household-walks.js 10000`.
import { pathToFileURL } from 'node:url';
import { type HouseReport, watchHouse } from './house-invariants.js';

const peopleInHouse = 2;

/** The worst values over `walks` random walks, from `seed` on. */
export function worstOf(walks: number, seed: number): HouseReport & { readonly walks: number } {
  let worst: HouseReport = { twoSeenMs: 0, noneMs: 0, noneAfterFaultMs: 0, twoPlacesMs: 0, events: 0, moves: 0 };
  for (let n = 0; n < walks / peopleInHouse; n++) {
    const report = watchHouse({
      seed: seed + n,
      rooms: 5,
      people: peopleInHouse,
      durationMs: 60_000,
      mostLatencyMs: 10 + 190 * ((n % 10) / 9),
      partitions: n % 4,
      restarts: n % 3,
      wrongNames: 0.3,
    });
    worst = {
      twoSeenMs: Math.max(worst.twoSeenMs, report.twoSeenMs),
      noneMs: Math.max(worst.noneMs, report.noneMs),
      noneAfterFaultMs: Math.max(worst.noneAfterFaultMs, report.noneAfterFaultMs),
      twoPlacesMs: Math.max(worst.twoPlacesMs, report.twoPlacesMs),
      events: worst.events + report.events,
      moves: worst.moves + report.moves,
    };
  }
  return { ...worst, walks };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(worstOf(Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1)));
}
