// How long a person who turned away stays because of motion, and what ends that at once. Tests the whole decision step.
import t from 'tap';
import type { Gallery } from '../../src/gallery/person.js';
import { defaultRoomOptions, type RoomOptions } from '../../src/room/options.js';
import { type RoomState, startRoom, step, suspend } from '../../src/room/step.js';
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

/** A room in which Ada was named at `here`, before the next frame. */
function room(roomOptions = options) {
  let state: RoomState = startRoom(0);
  let atMs = 0;
  const events: string[] = [];
  const frame = (faces: Face[], moved: readonly Box[], gallery: Gallery = household, hints = {}) => {
    atMs += stepMs;
    const result = step(
      state,
      { capturedAt: atMs, sequence: 0, width: 1280, height: 960, faces, moved },
      gallery,
      roomOptions,
      hints,
    );
    state = result.state;
    events.push(...result.events.map((event) => `${event.type} ${event.person ?? ''}`.trim()));
    return result.snapshot;
  };
  for (let i = 0; i < 10; i++) frame([face(here, ada)], [here]);
  const facedMs = atMs;
  /** Plays frames without a face until Ada leaves. Gives the time since her last face, milliseconds. */
  const untilLeft = (movedAt: (frame: number) => readonly Box[], mostMs = 7_200_000): number => {
    for (let i = 0; !events.includes('left ada'); i++) {
      frame([], movedAt(i));
      if (atMs - facedMs > mostMs) return Number.POSITIVE_INFINITY;
    }
    return atMs - facedMs;
  };
  return {
    events,
    frame,
    untilLeft,
    suspend(forMs: number) {
      state = suspend(state);
      atMs += forMs;
    },
  };
}

t.test('without motion she leaves after the configured time', async (t) => {
  t.equal(
    room().untilLeft(() => []),
    60_000,
  );
});

t.test('continuous motion keeps her for seven minutes, and no longer than the bound', async (t) => {
  for (const limitMs of [60_000, 300_000, 3_600_000]) {
    const roomOptions = { ...options, presence: { ...options.presence, leaveAfterMs: limitMs } };
    const stayedMs = room(roomOptions).untilLeft(() => [back]);
    const longestMs = longestStayMs(limitMs, 900_000);
    t.ok(stayedMs <= longestMs + stepMs, `${stayedMs} ms of ${longestMs.toFixed(0)}`);
    // The track lives for two seconds before motion counts, and a step is a fifth of a second: that explains the difference.
    t.ok(stayedMs >= longestMs * 0.97, `${stayedMs} ms of ${longestMs.toFixed(0)}`);
    t.ok(longestMs < limitMs + Math.LOG2E * 900_000, 'the rule of thumb');
  }
  t.equal(Math.round(longestStayMs(60_000, 900_000) / 6000) / 10, 6.9, 'minutes');
});

t.test('a motion every five seconds is as good, one every ten seconds is half as good', async (t) => {
  const every = (seconds: number) => room().untilLeft((i) => (i % (seconds * 5) === 0 ? [back] : []));
  const always = room().untilLeft(() => [back]);
  t.ok(every(5) > 0.95 * always, `${every(5)} ms`);
  t.ok(every(10) > 100_000 && every(10) < 140_000, `${every(10)} ms`);
  t.ok(every(30) < 80_000, `${every(30)} ms`);
});

t.test('a person who walks out leaves shortly after the configured time', async (t) => {
  const stayedMs = room().untilLeft((i) => (i < 5 ? [back] : []));
  t.ok(stayedMs >= 60_000 && stayedMs <= 66_000, `${stayedMs} ms`);
});

t.test('a short leaving time is kept to by somebody who walks out', async (t) => {
  for (const seconds of [2, 5, 20]) {
    const leaveAfterMs = 1000 * seconds;
    const roomOptions = { ...options, presence: { ...options.presence, leaveAfterMs } };
    // A second of motion after the last face.
    const stayedMs = room(roomOptions).untilLeft((i) => (i < 5 ? [back] : [])) - 1000;
    t.ok(Math.abs(stayedMs - leaveAfterMs) <= 1500, `${seconds} s: ${stayedMs} ms after the last motion`);
  }
});

t.test('without motion support she leaves after the configured time', async (t) => {
  const off = { ...options, motionSupport: { ...options.motionSupport, halfLifeMs: 0 } };
  t.equal(
    room(off).untilLeft(() => [back]),
    60_000,
  );
});

t.test('an external sensor stops the absence, motion only slows it', async (t) => {
  const r = room();
  for (let i = 0; i < 5 * 3600; i++) r.frame([], [back], household, { held: true });
  t.match(r.frame([], [], household, { held: true }).people, [{ person: 'ada', as: 'assumed' }]);
  const stayedMs = r.untilLeft(() => [back]) - 3_600_000;
  t.ok(stayedMs > 60_000 && stayedMs < 66_000, `an hour after the face, motion counts almost nothing: ${stayedMs} ms`);
});

t.test('neither a blind camera nor motion after it supports anybody', async (t) => {
  const r = room();
  for (let i = 0; i < 50; i++) r.frame([], [back]);
  r.suspend(1000);
  const stayedMs = r.untilLeft(() => [back]);
  t.ok(stayedMs > 61_000 && stayedMs < 72_000, `${stayedMs} ms, including ten slowed seconds and one blind second`);
});

t.test('a forgotten person leaves at once', async (t) => {
  const r = room();
  for (let i = 0; i < 100; i++) r.frame([], [back]);
  r.frame([], [back], { ...household, people: household.people.slice(1) });
  t.strictSame(r.events, ['arrived ada', 'left ada']);
});

t.test('another person who sits there does not keep her present', async (t) => {
  const r = room();
  for (let i = 0; i < 60; i++) r.frame([], []);
  for (let i = 0; i < 5 * 70; i++) r.frame([face(here, ben)], [back]);
  t.strictSame(r.events, ['arrived ada', 'arrived ben', 'left ada']);
});

t.test('motion supports named people only, not an unknown person who turned away', async (t) => {
  const r = room();
  const there: Box = [1000, 200, 90, 90];
  for (let i = 0; i < 30; i++) r.frame([face(there, vector(0.1, 0.1, 0.9))], [there]);
  t.ok(r.events.includes('stranger_arrived'));
  for (let i = 0; i < 5 * 62; i++) r.frame([], [[1000, 400, 128, 32]]);
  t.ok(r.events.includes('stranger_left'));
});
