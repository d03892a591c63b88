// `npm run test:ha`: what a household sees in Home Assistant, step by step in one instance. The room is the real publisher; its
// people come from this script. Every step also fails on any line about MQTT in Home Assistant's log.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { PresenceEvent, PresenceSnapshot } from '../../src/domain/presence-types.js';
import type { Publisher } from '../../src/publish/publisher.js';
import { listenTo, waitFor } from '../helpers/brokers.js';
import { here, memory, roomPublisher } from '../publish/room.js';
import { startHomeAssistant } from './harness.js';
import { intruderSteps } from './intruder.js';
import { runSteps, skipWithoutHomeAssistant } from './steps.js';

skipWithoutHomeAssistant();
t.setTimeout(900_000);

const unavailable = { state: 'unavailable' };
const unknown = { state: 'unknown' };
const id = (name: string) => {
  const [platform, rest] = name.split('.');
  return `${platform}.kitchen_presence_${rest}`;
};
const entities = (states: Readonly<Record<string, unknown>>) => ({
  entities: Object.fromEntries(Object.entries(states).map(([name, state]) => [id(name), state])),
});
const ada = { id: 'ada', name: 'Ada' };
const grace = { id: 'grace', name: 'Grace' };
const empty = (): PresenceSnapshot => ({
  occupied: false,
  people: [],
  ambiguous: [],
  strangers: 0,
  sinceMs: performance.now(),
});
const change = (type: PresenceEvent['type'], person: typeof ada | null, present: readonly string[]): PresenceEvent => ({
  type,
  person: person?.id ?? null,
  name: person?.name ?? null,
  confidence: 'high',
  present,
  atMs: performance.now(),
  movedTo: null,
});

const ha = await startHomeAssistant([]);
t.comment(`Home Assistant ${ha.version}, logs in ${ha.folder}`);
const kept = memory();
const login = ha.login('kitchen');
/** What the broker would not let the room do. */
const refusals: string[] = [];
let room: Publisher = newRoom();

function newRoom(): Publisher {
  const publisher = roomPublisher(login.url, {
    mqtt: login.mqtt,
    memory: kept,
    privacy: { snapshots: true },
    homeAssistant: { trackers: true },
    log: (level, message) => {
      t.comment(`${level}: ${message}`);
      if (/refused a message|not subscribe/.test(message)) refusals.push(message);
    },
  });
  publisher.onCommand((command) => {
    if (command.type === 'recognition') publisher.recognition(command.on);
    if (command.type === 'hold') publisher.hold(command.seconds);
  });
  publisher.people([ada]);
  publisher.recognition(true);
  publisher.hold(30);
  return publisher;
}

await runSteps([
  [
    'the device, its area and its entities; nothing is claimed before a look',
    async () => {
      room.start();
      room.camera(true);
      await ha.expect({
        timeout: 20,
        areas: ['Kitchen'],
        devices: {
          roomkin_kitchen: {
            name: 'Kitchen presence',
            area: 'Kitchen',
            triggers: { $has: ['arrived:ada', 'left:ada', 'arrived:stranger'] },
          },
        },
        ...entities({
          'binary_sensor.occupancy': { ...unknown, attributes: { device_class: 'occupancy' }, area: 'Kitchen' },
          'sensor.person': { ...unknown, attributes: { options: ['nobody', 'stranger', 'ada'] } },
          'sensor.people': unknown,
          'binary_sensor.ada': unknown,
          'event.presence': unknown,
          'image.last_face': unknown,
          'device_tracker.ada_seen': unknown,
          'switch.recognition': { state: 'on', entity_category: 'config' },
          'number.hold': { state: { $in: ['30', '30.0'] } },
          'binary_sensor.camera': { state: 'off', entity_category: 'diagnostic' },
          'sensor.inference_time': unavailable,
          'sensor.temperature': unavailable,
          'sensor.frame_rate': unavailable,
        }),
      });
    },
  ],
  [
    'an empty room',
    async () => {
      room.state(empty());
      await ha.expect(
        entities({
          'binary_sensor.occupancy': { state: 'off' },
          'sensor.person': { state: 'nobody' },
          'sensor.people': { state: '0' },
          'binary_sensor.ada': { state: 'off' },
        }),
      );
    },
  ],
  ...intruderSteps(ha),
  [
    'Ada arrives',
    async () => {
      room.state(here('ada'));
      room.event(change('arrived', ada, ['ada']));
      room.snapshot(Buffer.from('/9j/4AAQSkZJRgABAQEAYABgAAD/2Q==', 'base64'));
      room.health({
        fps: 5,
        drops: 0,
        inferenceMs: 41,
        inferenceP95Ms: 60,
        temperatureCelsius: 55.5,
        throttled: false,
        fixedFaces: 0,
        model: 'm',
        version: '1',
        uptimeSeconds: 9,
      });
      await ha.expect(
        entities({
          'binary_sensor.occupancy': { state: 'on' },
          'sensor.person': { state: 'ada', attributes: { people: ['ada'], names: ['ADA'], strangers: 0 } },
          'sensor.people': { state: '1' },
          'binary_sensor.ada': { state: 'on' },
          'device_tracker.ada_seen': { state: 'home' },
          'event.presence': {
            state: { $set: true },
            attributes: { event_type: 'arrived', person: 'ada', present: ['ada'] },
          },
          'image.last_face': { state: { $set: true }, image: { content_type: 'image/jpeg' } },
          'sensor.inference_time': { state: { $in: ['41', '41.0'] } },
          'sensor.temperature': { state: '55.5' },
        }),
      );
    },
  ],
  [
    'Ada goes to another room, and comes back',
    async () => {
      room.state(empty());
      room.event({ ...change('left', ada, []), movedTo: 'hall' });
      await ha.expect(
        entities({
          'binary_sensor.ada': { state: 'off' },
          'event.presence': { attributes: { event_type: 'left', person: 'ada', moved_to: 'hall' } },
        }),
      );
      room.state(here('ada'));
      await ha.expect(entities({ 'binary_sensor.ada': { state: 'on' } }));
    },
  ],
  [
    'Grace is enrolled and comes in, with a stranger',
    async () => {
      room.people([ada, grace]);
      room.state({ ...here('ada', 'grace'), strangers: 1 });
      room.event(change('arrived', grace, ['ada', 'grace']));
      room.event(change('stranger_arrived', null, ['ada', 'grace']));
      await ha.expect(
        entities({
          'sensor.person': {
            state: 'grace',
            attributes: { options: ['nobody', 'stranger', 'ada', 'grace'], strangers: 1 },
          },
          'sensor.people': { state: '3' },
          'binary_sensor.grace': { state: 'on' },
          'event.presence': { attributes: { event_type: 'stranger_arrived' } },
        }),
      );
    },
  ],
  [
    'a new name keeps the entity',
    async () => {
      room.people([ada, { ...grace, name: 'Grace Hopper' }]);
      await ha.expect(
        entities({
          'binary_sensor.grace': { state: 'on', attributes: { friendly_name: { $regex: 'Grace Hopper$' } } },
        }),
      );
    },
  ],
  [
    'Grace is forgotten while she is the state',
    async () => {
      room.people([ada]);
      room.state({ ...here('ada'), strangers: 1 });
      await ha.expect({
        ...entities({
          'binary_sensor.grace': null,
          'device_tracker.grace_seen': null,
          'binary_sensor.ada': { state: 'on' },
          'sensor.person': { state: 'ada', attributes: { options: ['nobody', 'stranger', 'ada'] } },
        }),
        devices: { roomkin_kitchen: { triggers: { $not: { $has: ['arrived:grace'] } } } },
      });
    },
  ],
  [
    'only a stranger is left, then somebody who cannot be told',
    async () => {
      room.state({ ...empty(), occupied: true, strangers: 1 });
      await ha.expect(entities({ 'sensor.person': { state: 'stranger' }, 'binary_sensor.ada': { state: 'off' } }));
      room.state({ ...empty(), occupied: true });
      await ha.expect(
        entities({
          'sensor.person': unknown,
          'binary_sensor.occupancy': { state: 'on' },
          'sensor.people': { state: '1' },
        }),
      );
    },
  ],
  [
    'the controls',
    async () => {
      await ha.call('number.set_value', { entity_id: id('number.hold'), value: 45 });
      await ha.expect(entities({ 'number.hold': { state: { $in: ['45', '45.0'] } } }));
      await ha.call('switch.turn_off', { entity_id: id('switch.recognition') });
      await ha.expect(
        entities({
          'switch.recognition': { state: 'off' },
          'binary_sensor.occupancy': unknown,
          'binary_sensor.ada': unknown,
          'sensor.person': unknown,
          'sensor.people': unknown,
        }),
      );
      await ha.call('switch.turn_on', { entity_id: id('switch.recognition') });
      room.state(here('ada'));
      await ha.expect(entities({ 'switch.recognition': { state: 'on' }, 'binary_sensor.ada': { state: 'on' } }));
    },
  ],
  [
    'a blind camera is unavailable, its problem and the switch are not',
    async () => {
      room.camera(false);
      await ha.expect(
        entities({
          'binary_sensor.occupancy': unavailable,
          'sensor.person': unavailable,
          'binary_sensor.camera': { state: 'on' },
          'switch.recognition': { state: 'on' },
        }),
      );
      room.camera(true);
      await ha.expect(entities({ 'binary_sensor.occupancy': unknown, 'binary_sensor.camera': { state: 'off' } }));
      room.state(here('ada'));
      await ha.expect(entities({ 'binary_sensor.occupancy': { state: 'on' } }));
    },
  ],
  [
    'the room stops and starts',
    async () => {
      await room.stop();
      await ha.expect(
        entities({
          'binary_sensor.occupancy': unavailable,
          'switch.recognition': unavailable,
          'event.presence': unavailable,
        }),
      );
      room = newRoom();
      room.start();
      room.camera(true);
      await ha.expect(entities({ 'binary_sensor.occupancy': unknown, 'switch.recognition': { state: 'on' } }));
      room.state(here('ada'));
      await ha.expect(entities({ 'sensor.person': { state: 'ada' } }));
    },
  ],
  [
    'Home Assistant restarts: all is right again, no event is replayed',
    async () => {
      await ha.stop();
      room.event(change('left', ada, []));
      room.state(empty());
      await ha.start();
      await ha.expect({
        after: 1,
        ...entities({
          'binary_sensor.occupancy': { state: 'off' },
          'sensor.person': { state: 'nobody' },
          'event.presence': { attributes: { event_type: 'stranger_arrived' } },
        }),
      });
      room.state(here('ada'));
      await ha.expect(entities({ 'sensor.person': { state: 'ada' } }));
    },
  ],
  [
    'Grace is forgotten while Home Assistant is away: nothing of her is left when it is back',
    async () => {
      room.people([ada, grace]);
      await ha.expect(entities({ 'binary_sensor.grace': { state: 'off' }, 'device_tracker.grace_seen': unknown }));
      await ha.stop();
      room.people([ada]);
      await ha.start();
      await ha.expect({
        ...entities({
          'binary_sensor.grace': null,
          'device_tracker.grace_seen': null,
          'binary_sensor.ada': { state: 'on' },
        }),
        devices: { roomkin_kitchen: { triggers: { $not: { $has: ['arrived:grace'] } } } },
      });
    },
  ],
  [
    'the broker loses its memory',
    async () => {
      await ha.stopBroker();
      await ha.expect(entities({ 'binary_sensor.occupancy': unavailable }));
      await ha.startBroker({ wipe: true });
      await waitFor(() => room.status().connected, 15_000);
      // Home Assistant itself may take half a minute to connect again.
      await ha.expect({
        timeout: 60,
        ...entities({
          'binary_sensor.occupancy': { state: 'on' },
          'sensor.person': { state: 'ada' },
          'number.hold': { state: { $set: true } },
        }),
      });
    },
  ],
  [
    'the device is deleted: a live room comes back',
    async () => {
      await using listener = await listenTo(ha.mqttUrl);
      await listener.say('homeassistant/device/roomkin/kitchen/config', '', { retain: true });
      await sleep(100);
      await ha.expect(entities({ 'binary_sensor.occupancy': { state: 'on' }, 'sensor.person': { state: 'ada' } }));
    },
  ],
  [
    'the device goes when discovery is switched off',
    async () => {
      await room.stop();
      room = roomPublisher(login.url, { mqtt: login.mqtt, memory: kept, homeAssistant: { discovery: false } });
      room.start();
      await ha.expect({ devices: { roomkin_kitchen: null } });
      if (refusals.length > 0) throw new Error(refusals.join('\n'));
    },
  ],
]);
await room.stop();
await ha.down();
