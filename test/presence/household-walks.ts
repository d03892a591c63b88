// Random walks through simulated houses: `npx tsc -p tsconfig.test.json && node .test-build/test/presence/household-walks.js 10000`
// plays 10,000 walks (one person's way through five rooms for a minute each, two people to a house) and prints the worst.
import { pathToFileURL } from 'node:url';
import { type HouseReport, watchHouse } from './house-invariants.js';

const peopleInHouse = 2;

/** The worst of `walks` random walks, from `seed` on. */
export function worstOf(walks: number, seed: number): HouseReport & { readonly walks: number } {
  let worst: HouseReport = { twoSeenMs: 0, noneMs: 0, noneAfterFaultMs: 0, twoPlacesMs: 0, events: 0, moves: 0 };
  for (let n = 0; n < walks / peopleInHouse; n++) {
    const one = watchHouse({
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
      twoSeenMs: Math.max(worst.twoSeenMs, one.twoSeenMs),
      noneMs: Math.max(worst.noneMs, one.noneMs),
      noneAfterFaultMs: Math.max(worst.noneAfterFaultMs, one.noneAfterFaultMs),
      twoPlacesMs: Math.max(worst.twoPlacesMs, one.twoPlacesMs),
      events: worst.events + one.events,
      moves: worst.moves + one.moves,
    };
  }
  return { ...worst, walks };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(worstOf(Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1)));
}
