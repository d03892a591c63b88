// What Home Assistant gets over hours, from the real room and the real publisher at a real broker. Only the clock and the faces are made up.
import t from 'tap';
import { viewOf } from '../../src/presence/household.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { createRoom } from '../../src/room/room.js';
import { listenTo, mosquittoPath, startAedes, startMosquitto, waitFor } from '../helpers/brokers.js';
import { household, vector } from '../helpers/people.js';
import { face } from '../room/simulator.js';
import { roomPublisher } from './room.js';

t.setTimeout(300_000);
const startBroker = () => (mosquittoPath === null ? startAedes() : startMosquitto());

/** A kitchen whose clock is moved by hand, and a listener at its broker. */
async function startKitchen(leaveAfterMs: number) {
  const broker = await startBroker();
  const listener = await listenTo(broker.url);
  const clock = { nowMs: 1_000_000, monotonicMs: () => clock.nowMs, wallMs: () => 1.8e12 + clock.nowMs };
  const publisher = roomPublisher(broker.url, { clock });
  const presence = { ...defaultRoomOptions.presence, leaveAfterMs };
  const room = createRoom(
    () => household,
    { ...defaultRoomOptions, presence },
    { state: publisher.state, event: (event) => publisher.event(event) },
    clock.nowMs,
    'kitchen',
  );
  publisher.people(household.people);
  publisher.recognition(true);
  publisher.camera(true);
  publisher.start();
  await waitFor(() => publisher.status().connected);
  let sequence = 0;
  let markers = 0;
  return {
    ...{ clock, listener, publisher },
    /** Time passes with a frame each 200 ms that shows these faces; null: no frame comes. */
    pass(forMs: number, faces: readonly Float32Array[] | null): void {
      // Without frames in few steps, so that the connection is not kept waiting.
      const stepMs = faces === null ? forMs / 20 : 200;
      for (const endMs = clock.nowMs + forMs; clock.nowMs < endMs; ) {
        clock.nowMs += stepMs;
        const seen = (faces ?? []).map((embedding, index) => {
          // Somebody who sits still for an hour is a picture. This one sways.
          const stepPx = Math.round(80 * Math.sin(sequence / 400));
          return face([300 + 400 * index + stepPx, 200 + stepPx, 90, 90], embedding);
        });
        const analysis = { capturedAt: clock.nowMs, sequence: sequence++, width: 1280, height: 960, faces: seen };
        if (faces !== null) room.see(analysis);
        const { snapshot, unconfirmed } = room;
        const sight = { watching: snapshot !== null, strangers: snapshot?.strangers ?? 0, unconfirmed };
        publisher.updateHousehold(viewOf(room.leases, sight));
      }
    },
    /** The privacy switch, as the daemon applies it. */
    recognition(on: boolean): void {
      if (!on) room.blind(true);
      publisher.recognition(on);
    },
    /** Waits until the broker has passed on everything that was sent. */
    async settled(): Promise<void> {
      markers += 1;
      publisher.leaveAfter(markers);
      await listener.until('room/kitchen/leave_after', String(markers));
    },
    json: (topic: string) => listener.of(topic).map((text) => JSON.parse(text)),
    async [Symbol.asyncDispose]() {
      await publisher.stop();
      await listener[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

const ada = vector(0.8);
const ben = vector(0, 0.8);

for (const pausedSeconds of [5, 200, 8 * 3600])
  for (const [then, faces, names] of [
    ['the room is empty', [], []],
    ['she is still there', [ada], ['ada']],
    ['Ben is there', [ben], ['ben']],
  ] as const)
    t.test(`a pause of ${pausedSeconds} s, then ${then}: no wrong name and no alarm`, async (t) => {
      await using kitchen = await startKitchen(60_000);
      kitchen.pass(10_000, [ada]);
      await kitchen.settled();
      t.match(kitchen.json('room/kitchen/state').at(-1), { people: [{ person: 'ada' }] });
      const [states, events, places] = ['room/kitchen/state', 'room/kitchen/person', 'household/home/person/ada'].map(
        (topic) => kitchen.listener.of(topic).length,
      );
      const cameras = kitchen.listener.of('room/kitchen/camera').length;
      kitchen.recognition(false);
      await kitchen.settled();
      t.match(kitchen.json('room/kitchen/state').at(-1), { occupied: null, people: null });
      kitchen.pass(pausedSeconds * 1000, null);
      kitchen.recognition(true);
      kitchen.pass(30_000, faces);
      await kitchen.settled();
      const claimed = kitchen
        .json('room/kitchen/state')
        .slice(states)
        .flatMap(({ people }) => (people ?? []).map(({ person }: { person: string }) => person));
      t.strictSame([...new Set(claimed)], names, 'nobody else was claimed');
      t.notOk(
        kitchen
          .json('room/kitchen/state')
          .slice(states)
          .some(({ strangers }) => strangers > 0),
      );
      const told = kitchen.json('room/kitchen/person').slice(events);
      t.strictSame(
        told.map(({ event_type: type, person }) => `${type} ${person}`),
        names.filter((name) => name === 'ben').map((name) => `arrived ${name}`),
        'no event of somebody who only was not watched',
      );
      t.equal(kitchen.listener.of('room/kitchen/camera').length, cameras, 'a pause is no fault of the camera');
      t.strictSame(new Set(kitchen.listener.of('room/kitchen/status')), new Set(['online']));
      const shown = kitchen.json('household/home/person/ada').slice(places);
      t.notOk(
        shown.some(({ place }) => place === 'away'),
        'nobody is away because of a pause',
      );
      kitchen.pass(60_000, faces);
      await kitchen.settled();
      t.match(kitchen.json('room/kitchen/state').at(-1), {
        occupied: names.length > 0,
        people: names.map((person) => ({ person })),
      });
    });

t.test('12 people in 6 rooms: entities of the household and bytes of discovery', async (t) => {
  await using broker = await startBroker();
  await using listener = await listenTo(broker.url);
  const people = Array.from({ length: 12 }, (_, n) => ({
    id: `person-number-${n}`,
    name: `Maximilian Alexander ${n}`,
  }));
  const ids = ['attic', 'bathroom', 'cellar', 'dining_room', 'hall', 'kitchen'];
  const rooms = ids.map((id) => {
    const publisher = roomPublisher(broker.url, {
      room: { id, name: `${id} upstairs` },
      mqtt: { corrections: true },
      privacy: { snapshots: true },
      homeAssistant: { trackers: true },
      board: { model: 'Raspberry Pi 4 Model B Rev 1.4', serial: '10000000abcdef01' },
    });
    publisher.people(people);
    publisher.start();
    return publisher;
  });
  const timer = setInterval(() => {
    const view = new Map(ids.map((id) => [id, { watching: true, strangers: 0, people: new Map() }]));
    for (const room of rooms) room.updateHousehold(view);
  }, 250);
  t.teardown(() => clearInterval(timer));
  const device = 'homeassistant/device/roomkin-household/home/config';
  const last = (topic: string) => listener.of(topic).at(-1);
  await waitFor(() => {
    const text = last(device);
    return (
      text !== undefined && ids.every((id) => text.includes(`${id} upstairs`)) && text.includes('person-number-11')
    );
  });
  clearInterval(timer);
  const entities = Object.keys(JSON.parse(last(device)!).cmps).length;
  const bytes = [device, ...ids.map((id) => `homeassistant/device/roomkin/${id}/config`)].map((topic) =>
    Buffer.byteLength(last(topic)!),
  );
  t.comment(
    `${entities} entities on the household's device; discovery of ${bytes.join(', ')} bytes, the household first`,
  );
  t.ok(entities < 40, `${entities} entities`);
  t.ok(Math.max(...bytes) < 25_000, `${Math.max(...bytes)} bytes`);
  await Promise.all(rooms.map((room) => room.stop()));
});

/** A row of Home Assistant's recorder is written when the state or an attribute of an entity changes, and for each event. */
function rows(values: readonly unknown[]): number {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.filter((text, index) => index > 0 && text !== texts[index - 1]).length;
}

t.test('somebody sits for an hour: nothing to store from presence, at most 12 rows from health', async (t) => {
  await using kitchen = await startKitchen(60_000);
  const health = (minute: number) =>
    kitchen.publisher.health({
      fps: 5 + Math.sin(minute) / 10,
      analysedFps: 1 + Math.sin(minute) / 10,
      search: 'full',
      drops: minute,
      inferenceMs: 41 + Math.sin(minute),
      inferenceP95Ms: 60,
      temperatureCelsius: 55 + 2 * Math.sin(minute),
      throttled: false,
      underVoltage: false,
      fixedFaces: 0,
      needsPhotos: [],
      problems: [],
      model: 'm',
      version: '1',
      uptimeSeconds: 60 * minute,
    });
  kitchen.pass(10_000, [ada]);
  health(0);
  await kitchen.settled();
  const presence = ['room/kitchen/state', 'room/kitchen/person', 'room/kitchen/camera', 'room/kitchen/recognition'];
  const ofHousehold = ['household/home/person/ada', 'household/home/state', 'household/home/moves'];
  const count = () => [...presence, ...ofHousehold].map((topic) => kitchen.listener.of(topic).length);
  const before = count();
  const minutes = 60;
  for (let half = 1; half <= 2 * minutes; half += 1) {
    kitchen.pass(30_000, [ada]);
    health(half / 2);
    if (half % 10 === 0) await kitchen.settled();
  }
  await kitchen.settled();
  t.match(kitchen.json('room/kitchen/state').at(-1), { people: [{ person: 'ada', as: 'seen' }] });
  t.strictSame(count(), before, 'no message about presence, so no row');
  await waitFor(() => kitchen.listener.of('room/kitchen/health').length === 2 * minutes + 1);
  const messages = kitchen.json('room/kitchen/health');
  const device = kitchen.json('homeassistant/device/roomkin/kitchen/config').at(-1);
  const stored = Object.entries(device.cmps as Record<string, Record<string, string>>)
    .filter(([, { stat_t: topic, en }]) => topic === 'room/kitchen/health' && (en as unknown) !== false)
    .map(([key, component]) => {
      const templates = `${component['val_tpl']} ${component['json_attr_tpl'] ?? ''}`;
      const names = [...new Set(templates.match(/value_json\.(\w+)/g))].map((text) => text.replace('value_json.', ''));
      return [key, rows(messages.map((message) => names.map((name) => message[name])))] as const;
    });
  t.comment(stored.map(([key, number]) => `${key} ${number}`).join(', '));
  const total = stored.reduce((sum, [, number]) => sum + number, 0);
  t.ok(stored.length >= 6, 'the entities of health');
  t.ok(total > 0 && total <= 12, `${total} rows from health`);
});
