import t from 'tap';
import type { Gallery } from '../../src/gallery/person.js';
import { leasesOf, receiveLeases } from '../../src/presence/arbitration.js';
import type { PresenceEvent, PresenceSnapshot } from '../../src/presence/presence.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { createRoom } from '../../src/room/room.js';
import type { Analysis, Face } from '../../src/vision/face.js';

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
  quality: { eyesPx: 40, sharpness: 0.9, yawDegrees: 0, pitchDegrees: 0, light: 0.5, contrast: 0.2 },
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
  const said: string[] = [];
  const looked: number[] = [];
  const listener = {
    looks: (_: readonly unknown[], atMs: number) => looked.push(atMs),
    state: (snapshot: PresenceSnapshot | null) =>
      said.push(snapshot === null ? 'null' : snapshot.people.map((one) => one.person).join() || 'nobody'),
    event: ({ type, person }: { type: string; person: string | null }) => said.push(`${type} ${person}`),
  };
  const options = { ...defaultRoomOptions, presence: { ...defaultRoomOptions.presence, leaveAfterMs } };
  return { said, looked, room: createRoom(() => gallery, options, listener, 0) };
}

t.test('the state is said before the event, and only when it changed', async (t) => {
  const { said, looked, room: one } = room();
  t.equal(one.snapshot, null, 'nothing is known before the first look');
  for (let at = 0; at < 2000; at += 200) one.see(frame(at, [face]));
  t.strictSame(said.slice(-2), ['ada', 'arrived ada']);
  const count = said.length;
  one.see(frame(2000, [face]));
  t.equal(said.length, count);
  t.match(one.observations, [{ atMs: 2000, person: 'ada' }], 'the looks are those of the last frame');
  t.equal(looked.length, 11, 'and each frame is told');
});

t.test('blindness is null and proves nothing about who left', async (t) => {
  const { said, room: one } = room();
  for (let at = 0; at < 2000; at += 200) one.see(frame(at, [face]));
  one.blind();
  one.blind();
  t.equal(said.filter((text) => text === 'null').length, 1);
  t.equal(one.snapshot, null);
  one.see(frame(600_000, []));
  t.equal(said.at(-1), 'ada', 'ten minutes of blindness later she is still taken to be here');
  for (let at = 600_200; at <= 602_400; at += 200) one.see(frame(at, []));
  t.strictSame(said.slice(-2), ['nobody', 'left ada'], 'and leaves after two seconds of looking');
});

t.test('a longer hold keeps her longer', async (t) => {
  const { said, room: one } = room();
  for (let at = 0; at < 2000; at += 200) one.see(frame(at, [face]));
  one.holdMs = 5000;
  for (let at = 2000; at <= 6600; at += 200) one.see(frame(at, []));
  t.notOk(said.includes('left ada'));
  for (let at = 6800; at <= 7200; at += 200) one.see(frame(at, []));
  t.ok(said.includes('left ada'));
});

t.test('another room sees her: she leaves between two frames, and her face is somebody’s', async (t) => {
  const told: string[] = [];
  const house = (id: string, events: PresenceEvent[]) =>
    createRoom(
      () => gallery,
      defaultRoomOptions,
      { state() {}, event: (event) => events.push(event), leases: () => told.push(id) },
      0,
      id,
    );
  const left: PresenceEvent[] = [];
  const kitchen = house('kitchen', left);
  const hall = house('hall', []);
  for (let at = 0; at < 2000; at += 200) kitchen.see(frame(at, [face]));
  t.equal(left.length, 1);
  for (let at = 2000; at <= 5000; at += 200) kitchen.see(frame(at, []));
  t.equal(kitchen.snapshot?.people[0]?.as, 'assumed');
  const atMs = 5000;
  hall.takeLeases(receiveLeases(hall.leases, 'kitchen', leasesOf(kitchen.leases, atMs), atMs).household);
  for (let at = atMs; at < 7000; at += 200) hall.see(frame(at, [face]));
  t.ok(told.includes('hall'));
  kitchen.takeLeases(receiveLeases(kitchen.leases, 'hall', leasesOf(hall.leases, 7000), 7000).household);
  t.match(left.at(-1), { type: 'left', person: 'ada', movedTo: 'hall', atMs: 5000 });
  t.strictSame(kitchen.snapshot?.people, []);

  for (let at = 7200; at < 9000; at += 200) kitchen.see(frame(at, [face]));
  t.equal(left.length, 2, 'the hall still sees her');
  t.match(kitchen.snapshot, { occupied: true, people: [] }, 'somebody is in the kitchen whom nobody calls Ada');
  t.match(kitchen.observations, [{ person: 'ada', reason: { kind: 'in-other-room', room: 'hall' } }], 'and `why` tells');
  kitchen.blind();
  t.equal(kitchen.snapshot, null);
  kitchen.takeLeases(kitchen.leases);
  t.equal(kitchen.snapshot, null, 'news do not open its eyes');
});

t.test('who is assumed by motion goes at once when another room sees them', async (t) => {
  const { said, room: kitchen } = room(5000);
  for (let at = 0; at < 2000; at += 200) kitchen.see(frame(at, [face]));
  for (let at = 2000; at <= 20_000; at += 200) kitchen.see(frame(at, []), [[100, 256, 64, 32]]);
  t.match(kitchen.snapshot?.people, [{ person: 'ada', as: 'assumed' }], 'five seconds without a face are long over');
  const nothing = { state() {}, event() {} };
  const hall = createRoom(() => gallery, defaultRoomOptions, nothing, 0, 'hall');
  const claims = leasesOf(kitchen.leases, 18_000);
  hall.takeLeases(receiveLeases(hall.leases, kitchen.leases.room, claims, 18_000).household);
  for (let at = 18_000; at < 20_000; at += 200) hall.see(frame(at, [face]));
  kitchen.takeLeases(receiveLeases(kitchen.leases, 'hall', leasesOf(hall.leases, 20_000), 20_000).household);
  t.equal(said.at(-1), 'left ada');
  t.strictSame(kitchen.snapshot?.people, []);
});

t.test('while somebody is being enrolled every frame counts, decided or not', async (t) => {
  const { room: one } = room();
  t.notOk(one.undecided, 'nobody is there');
  one.enrolling = true;
  t.ok(one.undecided);
  for (let at = 0; at < 2000; at += 200) one.see(frame(at, [face]));
  t.ok(one.undecided);
  one.enrolling = false;
  t.notOk(one.undecided, 'she has her name');
});
