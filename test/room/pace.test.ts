// The windows at a slow pace: one table, compared with the shipped windows.
import t from 'tap';
import { defaultRoomOptions, type RoomOptions } from '../../src/room/options.js';
import { atPace } from '../../src/room/pace.js';
import { type RoomState, startRoom, step, stepUnchanged, suspend } from '../../src/room/step.js';
import type { Face } from '../../src/vision/face.js';
import { household, vector } from '../helpers/people.js';
import { clipOptions } from './clip-options.js';
import { face } from './simulator.js';

t.test('nothing changes at two and more frames a second', async (t) => {
  for (const intervalMs of [50, 200, 500]) t.equal(atPace(defaultRoomOptions, intervalMs), defaultRoomOptions);
});

t.test('every window holds several frames at each pace, and none is shorter than shipped', async (t) => {
  const shipped = defaultRoomOptions;
  for (const intervalMs of [501, 700, 1000, 2000, 5000, 10_000, 60_000]) {
    const { tracks, naming, staticFaces, presence, motionSupport } = atPace(shipped, intervalMs);
    const windows: [string, number, number, number][] = [
      ['a track survives two missed frames', tracks.lostAfterMs, shipped.tracks.lostAfterMs, 3],
      ['a name gets its observations', naming.windowMs, shipped.naming.windowMs, naming.leastAgreeing + 1],
      ['the embedding remembers', tracks.halfLifeMs, shipped.tracks.halfLifeMs, 2],
      ['a name is not lost at once', naming.strangerAfterNameMs, shipped.naming.strangerAfterNameMs, 5],
      ['the next frame of a still face counts', staticFaces.gapMs, shipped.staticFaces.gapMs, 6],
      ['nobody leaves for a turned head', presence.leaveAfterMs, shipped.presence.leaveAfterMs, 10],
      ['the time between two frames counts', presence.gapMs, shipped.presence.gapMs, 1.5],
      ['a motion lasts until the next frame', motionSupport.motionLastsMs, shipped.motionSupport.motionLastsMs, 1],
    ];
    for (const [why, window, base, count] of windows) {
      const needed = intervalMs < 1000 ? base : Math.max(base, count * intervalMs);
      t.ok(window >= needed, `${why}: ${window} ms at one frame per ${intervalMs} ms`);
    }
    t.equal(tracks.positionMs, shipped.tracks.positionMs, 'a position proves nothing for longer');
  }
});

t.test('a configured number of observations fits into its window', async (t) => {
  const patient = { ...defaultRoomOptions, naming: { ...defaultRoomOptions.naming, leastAgreeing: 20, windowMs: 200 } };
  t.ok(atPace(patient, 5000).naming.windowMs >= 20 * 5000);
});

const ada = vector(0.8);
const ben = vector(0, 0.8);

/** A room at one frame per `intervalMs`. */
function room(intervalMs: number, options: RoomOptions = clipOptions) {
  let state: RoomState = startRoom(0);
  let atMs = 0;
  const events: string[] = [];
  const published: string[] = [];
  return {
    events,
    published,
    frame(...faces: Face[]) {
      atMs += intervalMs;
      const frame = { capturedAt: atMs, sequence: 0, width: 1280, height: 960, faces };
      const { state: next, events: changes, snapshot } = step(state, frame, household, options);
      state = next;
      for (const { type, person } of changes) events.push(`${type} ${person ?? ''}`.trim());
      const names = snapshot.people.map(({ person }) => person).join();
      published.push(next.presence.isUndecided ? 'unknown' : names || (snapshot.occupied ? 'somebody' : 'nobody'));
    },
    still() {
      atMs += intervalMs;
      state = stepUnchanged(state, atMs, household, options).state;
    },
    blind(ms: number) {
      state = suspend(state);
      atMs += ms;
    },
    get pace() {
      return state.pace;
    },
  };
}

t.test('a face that is not decided yet makes a slow room unknown, not empty', async (t) => {
  const r = room(5000);
  for (let i = 0; i < 4; i++) r.frame();
  t.equal(r.published.at(-1), 'nobody');
  for (let i = 0; i < 3; i++) r.frame(face([400, 300, 90, 90], ada));
  t.strictSame(r.published.slice(-3), ['unknown', 'unknown', 'ada']);
});

t.test('the first frame of a room that starts does not say "nobody" to a face either', async (t) => {
  const r = room(5000);
  r.frame(face([400, 300, 90, 90], ada));
  t.strictSame(r.published, ['unknown']);
});

t.test('between two slow frames somebody crosses the picture, and stays one track', async (t) => {
  const r = room(5000);
  r.frame();
  r.frame();
  for (const x of [100, 900, 300, 1100]) r.frame(face([x, 300, 90, 90], ada));
  t.strictSame(r.events, ['arrived ada']);
});

t.test('a face in the same position is not the same person five seconds later', async (t) => {
  const r = room(5000);
  for (let i = 0; i < 6; i++) r.frame(face([400, 300, 90, 90], ada));
  for (let i = 0; i < 6; i++) r.frame(face([400, 300, 90, 90], ben));
  t.strictSame(r.events, ['arrived ada', 'arrived ben']);
});

t.test('a turned face in the position of a named one does not keep the name for ever', async (t) => {
  const r = room(5000);
  for (let i = 0; i < 6; i++) r.frame(face([400, 300, 90, 90], ada));
  const turned = face([400, 300, 90, 90], ben, { sharpness: 0.01 });
  for (let i = 0; i < 40; i++) r.frame(turned);
  t.strictSame(r.events, ['arrived ada', 'left ada']);
  t.equal(r.published.at(-1), 'somebody');
});

t.test('frames that the motion gate leaves out count as frames', async (t) => {
  const r = room(250);
  for (let i = 0; i < 20; i++) {
    r.frame();
    for (let gated = 0; gated < 7; gated++) r.still();
  }
  t.equal(Math.max(...r.pace.intervals), 250);
});

t.test('a blind camera is no pace', async (t) => {
  const r = room(200);
  for (let i = 0; i < 5; i++) r.frame();
  for (let i = 0; i < 5; i++) {
    r.blind(20_000);
    r.frame();
  }
  t.ok(Math.max(...r.pace.intervals) <= 200);
});
