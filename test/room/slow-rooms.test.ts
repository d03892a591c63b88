// One person, one place, between a room that analyses five frames a second and one that analyses one in five or ten seconds.
import t from 'tap';
import { leasesOf, receiveLeases } from '../../src/presence/arbitration.js';
import { type RoomState, startRoom, step, stepLeases } from '../../src/room/step.js';
import type { Face } from '../../src/vision/face.js';
import { household, vector } from '../helpers/people.js';
import { clipOptions } from './clip-options.js';
import { face } from './simulator.js';

const options = { ...clipOptions, presence: { ...clipOptions.presence, leaveAfterMs: 60_000 } };
const tickMs = 200;
const beatMs = 1000;

interface Place {
  readonly id: string;
  readonly intervalMs: number;
  state: RoomState;
}

/** Plays two rooms until `untilMs`; `where` says in which of them Ada shows her face. Gives the events, and who says she is there. */
function play(slowMs: number, untilMs: number, where: (atMs: number) => string | null) {
  const places: Place[] = [
    { id: 'fast', intervalMs: tickMs, state: startRoom(0, 'fast') },
    { id: 'slow', intervalMs: slowMs, state: startRoom(0, 'slow') },
  ];
  const events: { atMs: number; text: string }[] = [];
  let twiceMs = 0;
  for (let atMs = 0; atMs < untilMs; atMs += tickMs) {
    for (const place of places) {
      if (atMs % place.intervalMs !== 0) continue;
      const faces: Face[] = where(atMs) === place.id ? [face([400, 300, 90, 90], vector(0.8))] : [];
      const result = step(
        place.state,
        { capturedAt: atMs, sequence: 0, width: 1280, height: 960, faces },
        household,
        options,
      );
      place.state = result.state;
      for (const { type, person } of result.events) events.push({ atMs, text: `${place.id} ${type} ${person}` });
    }
    if (atMs % beatMs === 0) {
      for (const [from, to] of [places, places.toReversed()] as [Place, Place][]) {
        const { household: leases } = receiveLeases(
          to.state.household,
          from.id,
          leasesOf(from.state.household, atMs),
          atMs,
        );
        const taken = stepLeases(to.state, leases, household, options);
        to.state = taken.state;
        for (const { type, person } of taken.step?.events ?? [])
          events.push({ atMs, text: `${to.id} ${type} ${person}` });
      }
    }
    if (places.every(({ state }) => state.presence.people.has('ada'))) twiceMs += tickMs;
  }
  return { events, texts: events.map(({ text }) => text), twiceMs };
}

for (const slowMs of [5000, 10_000]) {
  t.test(`from the slow room to the fast one, a frame in ${slowMs / 1000} s`, async (t) => {
    const { events, texts, twiceMs } = play(slowMs, 300_000, (atMs) => (atMs < 120_000 ? 'slow' : 'fast'));
    t.strictSame(texts, ['slow arrived ada', 'fast arrived ada', 'slow left ada']);
    t.ok(events[1]!.atMs <= 120_000 + 2 * slowMs + 3000, `she is there after ${events[1]!.atMs - 120_000} ms`);
    t.ok(twiceMs <= 2000);
  });

  t.test(`from the fast room to the slow one, a frame in ${slowMs / 1000} s`, async (t) => {
    const { texts, twiceMs } = play(slowMs, 300_000, (atMs) => (atMs < 120_000 ? 'fast' : 'slow'));
    t.strictSame(texts, ['fast arrived ada', 'slow arrived ada', 'fast left ada']);
    t.ok(twiceMs <= 2000);
  });

  t.test(`a face that the slow room misses does not move her, a frame in ${slowMs / 1000} s`, async (t) => {
    const { texts } = play(slowMs, 300_000, (atMs) => (Math.floor(atMs / slowMs) % 3 === 2 ? null : 'slow'));
    t.strictSame(texts, ['slow arrived ada']);
  });
}
