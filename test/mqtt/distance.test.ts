import t from 'tap';
import { createDistanceEstimates, distanceMetres } from '../../src/mqtt/distance.js';
import type { PresenceSnapshot } from '../../src/presence/presence.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';

t.test('the distance is that of eyes 63 mm apart with a field of view of 66°', async (t) => {
  t.ok(Math.abs(distanceMetres(20, 0, 1280) - 3.1) < 0.05, 'about 20 px at 3 m in 1280 px');
  t.ok(Math.abs(distanceMetres(10, 0, 640) - 3.1) < 0.05);
  t.ok(
    distanceMetres(20, 45, 1280) < distanceMetres(20, 0, 1280),
    'a turned face is nearer than the distance of its eyes suggests',
  );
});

t.test('each visible person is published every two seconds', async (t) => {
  const quality = { eyesPx: 20, sharpness: 1, yawDegrees: 0, pitchDegrees: 0, light: 0.5, contrast: 0.2 };
  let snapshot: PresenceSnapshot | null = null;
  let observations: DecidedObservation[] = [];
  const published: string[] = [];
  const estimate = createDistanceEstimates(
    {
      get snapshot() {
        return snapshot;
      },
      get observations() {
        return observations;
      },
    },
    ({ person, distanceMetres: metres }) => published.push(`${person} ${metres.toFixed(1)}`),
  );
  const at = (atMs: number, as: 'seen' | 'assumed', person: string | null) => {
    const common = { sinceMs: 0, name: 'Ada', person: 'ada' };
    snapshot = { occupied: true, ambiguous: [], strangers: 0, sinceMs: 0, people: [{ ...common, as }] };
    observations = [{ atMs, person, quality } as DecidedObservation];
    estimate(atMs, 1280);
  };
  at(0, 'assumed', 'ada');
  at(100, 'seen', null);
  t.strictSame(published, [], 'nobody who is not visible, and nobody without a face of their own');
  for (let atMs = 200; atMs < 4200; atMs += 200) at(atMs, 'seen', 'ada');
  t.strictSame(published, ['ada 3.1', 'ada 3.1']);
  snapshot = null;
  estimate(9000, 1280);
  t.equal(published.length, 2);
});
