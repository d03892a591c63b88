// Whoever turned away, in the whole of recognition: how long they stay by what moves, and what ends it at once.
import t from 'tap';
import type { Gallery } from '../../src/gallery/person.js';
import { defaultRoomOptions, type RoomOptions } from '../../src/room/options.js';
import { step, type RoomState, startRoom, suspend } from '../../src/room/step.js';
import type { Box, Face } from '../../src/vision/face.js';
import { household, vector } from '../helpers/people.js';
import { clipOptions } from './clip-options.js';
import { longestStayMs } from './longest-stay.js';
import { face } from './simulator.js';

const ada = vector(0.8);
const ben = vector(0, 0.8);
const here: Box = [600, 200, 90, 90];
const back: Box = [600, 400, 128, 32];
const stepMs = 200;
const options: RoomOptions = { ...clipOptions, presence: defaultRoomOptions.presence };

/** Ada was named at `here`, and the next frame is due. */
function room(given = options) {
  let state: RoomState = startRoom(0);
  let atMs = 0;
  const said: string[] = [];
  const frame = (faces: Face[], moved: readonly Box[], gallery: Gallery = household, hints = {}) => {
    atMs += stepMs;
    const step = step(
      state,
      { capturedAt: atMs, sequence: 0, width: 1280, height: 960, faces, moved },
      gallery,
      given,
      hints,
    );
    state = step.state;
    said.push(...step.events.map((event) => `${event.type} ${event.person ?? ''}`.trim()));
    return step.snapshot;
  };
  for (let i = 0; i < 10; i++) frame([face(here, ada)], [here]);
  const facedMs = atMs;
  /** Frames without a face until somebody leaves; how long after the last face. */
  const untilLeft = (movedAt: (frame: number) => readonly Box[], mostMs = 7_200_000): number => {
    for (let i = 0; !said.includes('left ada'); i++) {
      frame([], movedAt(i));
      if (atMs - facedMs > mostMs) return Number.POSITIVE_INFINITY;
    }
    return atMs - facedMs;
  };
  return {
    said,
    frame,
    untilLeft,
    suspend(forMs: number) {
      state = suspend(state);
      atMs += forMs;
    },
  };
}

t.test('without motion the time set counts', async (t) => {
  t.equal(
    room().untilLeft(() => []),
    60_000,
  );
});

t.test('motion all the time keeps her for seven minutes, and no longer than the bound', async (t) => {
  for (const [leaveAfterMs, holdMs] of [
    [60_000, 0],
    [300_000, 0],
    [60_000, 3_600_000],
  ] as const) {
    const given = { ...options, presence: { ...options.presence, leaveAfterMs, holdMs } };
    const limitMs = Math.max(leaveAfterMs, holdMs);
    const stayedMs = room(given).untilLeft(() => [back]);
    const longestMs = longestStayMs(limitMs, 900_000);
    t.ok(stayedMs <= longestMs + stepMs, `${stayedMs} ms of ${longestMs.toFixed(0)}`);
    // A track of two seconds before the motion counts, and steps of a fifth of a second, cost that much.
    t.ok(stayedMs >= longestMs * 0.97, `${stayedMs} ms of ${longestMs.toFixed(0)}`);
    t.ok(longestMs < limitMs + Math.LOG2E * 900_000, 'the rule of thumb');
  }
  t.equal(Math.round(longestStayMs(60_000, 900_000) / 6000) / 10, 6.9, 'minutes');
});

t.test('a movement every five seconds is as good, every ten seconds half', async (t) => {
  const every = (seconds: number) => room().untilLeft((i) => (i % (seconds * 5) === 0 ? [back] : []));
  const always = room().untilLeft(() => [back]);
  t.ok(every(5) > 0.95 * always, `${every(5)} ms`);
  t.ok(every(10) > 100_000 && every(10) < 140_000, `${every(10)} ms`);
  t.ok(every(30) < 80_000, `${every(30)} ms`);
});

t.test('who walks out has left a moment later than the time set', async (t) => {
  const stayedMs = room().untilLeft((i) => (i < 5 ? [back] : []));
  t.ok(stayedMs >= 60_000 && stayedMs <= 66_000, `${stayedMs} ms`);
});

t.test('switched off, it is the time set', async (t) => {
  const off = { ...options, places: { ...options.motionSupport, halfLifeMs: 0 } };
  t.equal(
    room(off).untilLeft(() => [back]),
    60_000,
  );
});

t.test('the outside sensor stops the time, motion only slows it', async (t) => {
  const r = room();
  for (let i = 0; i < 5 * 3600; i++) r.frame([], [back], household, { held: true });
  t.match(r.frame([], [], household, { held: true }).people, [{ person: 'ada', as: 'assumed' }]);
  const stayedMs = r.untilLeft(() => [back]) - 3_600_000;
  t.ok(stayedMs > 60_000 && stayedMs < 66_000, `an hour later motion is worth next to nothing: ${stayedMs} ms`);
});

t.test('a blind camera supports nobody, nor does motion after it', async (t) => {
  const r = room();
  for (let i = 0; i < 50; i++) r.frame([], [back]);
  r.suspend(1000);
  const stayedMs = r.untilLeft(() => [back]);
  t.ok(stayedMs > 61_000 && stayedMs < 72_000, `${stayedMs} ms, of which ten were slowed down and one was blind`);
});

t.test('who is forgotten leaves at once', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([], [back]);
  r.frame([], [back], { ...household, people: household.people.slice(1) });
  t.strictSame(r.said, ['arrived ada', 'left ada']);
});

t.test('somebody else who sits there does not keep her', async (t) => {
  const r = room();
  for (let i = 0; i < 60; i++) r.frame([], []);
  for (let i = 0; i < 5 * 70; i++) r.frame([face(here, ben)], [back]);
  t.strictSame(r.said, ['arrived ada', 'arrived ben', 'left ada']);
});

t.test('motion keeps names only: a stranger who turned away is nobody it could speak for', async (t) => {
  const r = room();
  const there: Box = [1000, 200, 90, 90];
  for (let i = 0; i < 30; i++) r.frame([face(there, vector(0.1, 0.1, 0.9))], [there]);
  t.ok(r.said.includes('stranger_arrived'));
  for (let i = 0; i < 5 * 62; i++) r.frame([], [[1000, 400, 128, 32]]);
  t.ok(r.said.includes('stranger_left'));
});
