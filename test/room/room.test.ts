import t from 'tap';
import type { Gallery } from '../../src/gallery/person.js';
import { leasesOf, receiveLeases } from '../../src/presence/arbitration.js';
import type { PresenceEvent, PresenceSnapshot } from '../../src/presence/presence.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { createRoom } from '../../src/room/room.js';
import type { Analysis, Face } from '../../src/vision/face.js';
import { unmeasuredQuality } from '../../src/vision/face.js';

const ada = new Float32Array(192).fill(1 / Math.sqrt(192));
const gallery: Gallery = {
  space: 'test',
  version: 1,
  people: [{ id: 'ada', name: 'Ada', templates: [{ id: 1, vector: ada }] }],
  cohort: [],
};
const face: Face = {
  box: [100, 100, 80, 80],
  landmarks: [
    [120, 125],
    [160, 125],
    [140, 145],
    [140, 160],
    [105, 130],
    [175, 130],
  ],
  score: 0.9,
  quality: {
    eyesPx: 40,
    sharpness: 0.9,
    yawDegrees: 0,
    pitchDegrees: 0,
    light: 0.5,
    contrast: 0.2,
    ...unmeasuredQuality,
  },
  embedding: ada,
};
const frame = (capturedAt: number, faces: readonly Face[]): Analysis => ({
  capturedAt,
  sequence: capturedAt,
  width: 640,
  height: 480,
  faces,
});

function room(leaveAfterMs = 2000) {
  const calls: string[] = [];
  const analysedMs: number[] = [];
  const listener = {
    observations: (_: readonly unknown[], atMs: number) => analysedMs.push(atMs),
    state: (snapshot: PresenceSnapshot | null) =>
      calls.push(snapshot === null ? 'null' : snapshot.people.map(({ person }) => person).join() || 'nobody'),
    event: ({ type, person }: { type: string; person: string | null }) => calls.push(`${type} ${person}`),
  };
  const options = { ...defaultRoomOptions, presence: { ...defaultRoomOptions.presence, leaveAfterMs } };
  return { calls, analysedMs, room: createRoom(() => gallery, options, listener, 0) };
}

t.test('the state is published before the event, and only when it changed', async (t) => {
  const { calls, analysedMs, room: study } = room();
  t.equal(study.snapshot, null, 'the state is unknown before the first frame');
  for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
  t.strictSame(calls.slice(-2), ['ada', 'arrived ada']);
  const count = calls.length;
  study.see(frame(2000, [face]));
  t.equal(calls.length, count);
  t.match(study.observations, [{ atMs: 2000, person: 'ada' }], 'the observations are those of the last frame');
  t.equal(analysedMs.length, 11, 'the listener is called for each frame');
});

t.test('the state is null while the camera is blind, and nobody leaves in that time', async (t) => {
  const { calls, room: study } = room();
  for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
  study.blind();
  study.blind();
  t.equal(calls.filter((text) => text === 'null').length, 1);
  t.equal(study.snapshot, null);
  study.see(frame(600_000, []));
  t.equal(calls.at(-1), 'null', 'after ten blind minutes nobody is claimed, and nobody is denied');
  for (let at = 600_200; at <= 602_400; at += 200) study.see(frame(at, []));
  t.strictSame(calls.slice(-2), ['nobody', 'left ada'], 'she leaves after two observed seconds');
});

t.test('a blindness shorter than the leaving time changes nothing', async (t) => {
  const { calls, room: study } = room();
  for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
  study.blind();
  study.see(frame(3000, []));
  t.equal(calls.at(-1), 'ada');
});

for (const pausedMs of [500, 200_000, 8 * 3_600_000])
  t.test(`after a pause of ${pausedMs / 1000} s nobody is claimed before a face was seen`, async (t) => {
    const { calls, room: study } = room();
    for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
    study.blind(true);
    study.blind(true);
    const resumedMs = 2000 + pausedMs;
    for (let at = resumedMs; at <= resumedMs + 1000; at += 200) study.see(frame(at, []));
    t.equal(calls.at(-1), 'null');
    // She sat there all the time and turns to the camera: no second arrival.
    const before = calls.length;
    for (let at = resumedMs + 1200; at <= resumedMs + 3000; at += 200) study.see(frame(at, [face]));
    t.strictSame(
      calls.slice(before).filter((text) => text !== 'nobody'),
      ['ada'],
    );
    t.match(study.snapshot?.people, [{ person: 'ada', as: 'seen' }]);
    // The next time she leaves as always.
    for (let at = resumedMs + 3200; at <= resumedMs + 8000; at += 200) study.see(frame(at, []));
    t.equal(calls.at(-1), 'left ada');
  });

t.test('after a pause a room that has emptied says so after the leaving time, with the event', async (t) => {
  const { calls, room: study } = room();
  for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
  study.blind(true);
  for (let at = 100_000; at <= 104_000; at += 200) study.see(frame(at, []));
  t.strictSame(calls.slice(-2), ['nobody', 'left ada']);
  t.match(study.snapshot, { occupied: false });
});

t.test('a longer leaving time that is set later keeps her longer', async (t) => {
  const { calls, room: study } = room();
  for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
  study.leaveAfterMs = 5000;
  for (let at = 2000; at <= 6600; at += 200) study.see(frame(at, []));
  t.notOk(calls.includes('left ada'));
  for (let at = 6800; at <= 7200; at += 200) study.see(frame(at, []));
  t.ok(calls.includes('left ada'));
});

t.test('a room that takes people over asserts them to the other rooms until they have left', async (t) => {
  const events: PresenceEvent[] = [];
  const options = { ...defaultRoomOptions, presence: { ...defaultRoomOptions.presence, leaveAfterMs: 2000 } };
  const kitchen = createRoom(
    () => gallery,
    options,
    { state() {}, event: (event) => events.push(event) },
    1000,
    'kitchen',
  );
  kitchen.takeOver(new Map([['ada', 500]]), 500, 1000);
  const asserted = () => kitchen.leases.own.get('ada')?.asserted;
  t.equal(asserted(), true, 'before the first frame');
  kitchen.see(frame(1200, []));
  t.equal(asserted(), true);
  t.match(kitchen.snapshot?.people, [{ person: 'ada', as: 'assumed', sinceMs: 500 }]);
  for (let at = 1400; at <= 4000; at += 200) kitchen.see(frame(at, []));
  t.strictSame(
    events.map(({ type }) => type),
    ['left'],
  );
  t.equal(asserted(), false);
});

t.test('when another room sees her, she leaves between two frames, and her face here is an unnamed one', async (t) => {
  const changed: string[] = [];
  const roomOf = (id: string, events: PresenceEvent[]) =>
    createRoom(
      () => gallery,
      defaultRoomOptions,
      { state() {}, event: (event) => events.push(event), leases: () => changed.push(id) },
      0,
      id,
    );
  const kitchenEvents: PresenceEvent[] = [];
  const kitchen = roomOf('kitchen', kitchenEvents);
  const hall = roomOf('hall', []);
  for (let at = 0; at < 2000; at += 200) kitchen.see(frame(at, [face]));
  t.equal(kitchenEvents.length, 1);
  for (let at = 2000; at <= 5000; at += 200) kitchen.see(frame(at, []));
  t.equal(kitchen.snapshot?.people[0]?.as, 'assumed');
  const atMs = 5000;
  hall.takeLeases(receiveLeases(hall.leases, 'kitchen', leasesOf(kitchen.leases, atMs), atMs).household);
  for (let at = atMs; at < 7000; at += 200) hall.see(frame(at, [face]));
  t.ok(changed.includes('hall'));
  kitchen.takeLeases(receiveLeases(kitchen.leases, 'hall', leasesOf(hall.leases, 7000), 7000).household);
  t.match(kitchenEvents.at(-1), { type: 'left', person: 'ada', movedTo: 'hall', atMs: 5000 });
  t.strictSame(kitchen.snapshot?.people, []);

  for (let at = 7200; at < 9000; at += 200) kitchen.see(frame(at, [face]));
  t.equal(kitchenEvents.length, 2, 'the hall still sees her');
  t.match(kitchen.snapshot, { occupied: true, people: [] }, 'an unnamed person is in the kitchen');
  t.match(
    kitchen.observations,
    [{ person: 'ada', reason: { kind: 'in-other-room', room: 'hall' } }],
    '`why` shows the reason',
  );
  kitchen.blind();
  t.equal(kitchen.snapshot, null);
  kitchen.takeLeases(kitchen.leases);
  t.equal(kitchen.snapshot, null, 'leases do not end the blind state');
});

t.test('a person assumed because of motion leaves at once when another room sees them', async (t) => {
  const { calls, room: kitchen } = room(5000);
  for (let at = 0; at < 2000; at += 200) kitchen.see(frame(at, [face]));
  for (let at = 2000; at <= 20_000; at += 200) kitchen.see(frame(at, []), [[100, 256, 64, 32]]);
  t.match(
    kitchen.snapshot?.people,
    [{ person: 'ada', as: 'assumed' }],
    'she is still present long after five seconds without a face',
  );
  const listener = { state() {}, event() {} };
  const hall = createRoom(() => gallery, defaultRoomOptions, listener, 0, 'hall');
  const leases = leasesOf(kitchen.leases, 18_000);
  hall.takeLeases(receiveLeases(hall.leases, kitchen.leases.room, leases, 18_000).household);
  for (let at = 18_000; at < 20_000; at += 200) hall.see(frame(at, [face]));
  kitchen.takeLeases(receiveLeases(kitchen.leases, 'hall', leasesOf(hall.leases, 20_000), 20_000).household);
  t.equal(calls.at(-1), 'left ada');
  t.strictSame(kitchen.snapshot?.people, []);
});

t.test('during a guided enrolment the room is always undecided', async (t) => {
  const { room: study } = room();
  t.notOk(study.undecided, 'nobody is there');
  study.enrolling = true;
  t.ok(study.undecided);
  for (let at = 0; at < 2000; at += 200) study.see(frame(at, [face]));
  t.ok(study.undecided);
  study.enrolling = false;
  t.notOk(study.undecided, 'she has her name');
});

t.test('after a change of the gallery every face is embedded again, also one whose embedding is not due', async (t) => {
  let people = gallery;
  const study = createRoom(() => people, defaultRoomOptions, { state() {}, event() {} }, 0);
  let atMs = 0;
  for (; atMs < 4000 && study.expected(atMs).length === 0; atMs += 200) study.see(frame(atMs, [face]));
  const continued = frame(atMs, [{ ...face, embedding: null, isContinued: true } as Face]);
  t.equal(study.expected(atMs).length, 1, 'she is known');
  people = { ...gallery, version: 2 };
  study.see(continued);
  t.strictSame(study.expected(atMs + 200), []);
});

t.test('a room is empty only where nobody is here and no face is followed', async (t) => {
  const { room: study } = room();
  t.notOk(study.isEmpty, 'not before the first frame');
  study.see(frame(0, []));
  t.ok(study.isEmpty);
  study.see(frame(200, [face]));
  t.notOk(study.isEmpty, 'a face without a name yet');
  for (let at = 400; at <= 1400; at += 200) study.see(frame(at, [face]));
  for (let at = 1600; at <= 3200; at += 200) study.see(frame(at, []));
  t.strictSame([study.snapshot?.occupied, study.isEmpty], [true, false], 'Ada has not left yet');
  for (let at = 3400; at <= 6000; at += 200) study.see(frame(at, []));
  t.strictSame([study.snapshot?.occupied, study.isEmpty], [false, true]);
  study.enrolling = true;
  t.notOk(study.isEmpty);
  study.enrolling = false;
  study.blind();
  t.notOk(study.isEmpty, 'nobody knows who is in a blind room');
});
