// What a household sees when a camera, a room, the broker or Home Assistant itself goes away and comes back.
import { setTimeout as sleep } from 'node:timers/promises';
import { listenTo, waitFor } from '../helpers/brokers.js';
import { here, roomPublisher } from '../mqtt/room.js';
import {
  ada,
  change,
  empty,
  entities,
  grace,
  ha,
  kept,
  kitchen,
  login,
  newRoom,
  refusals,
  unavailable,
  unknown,
} from './kitchen.js';
import type { Step } from './steps.js';

export const outages: readonly Step[] = [
  [
    'a blind camera is unavailable, its problem and the switch are not',
    async () => {
      kitchen.room.camera(false);
      await ha.expect(
        entities({
          'binary_sensor.occupancy': unavailable,
          'sensor.person': unavailable,
          'binary_sensor.camera': { state: 'on' },
          'switch.recognition': { state: 'on' },
        }),
      );
      kitchen.room.camera(true);
      await ha.expect(entities({ 'binary_sensor.occupancy': unknown, 'binary_sensor.camera': { state: 'off' } }));
      kitchen.room.state(here('ada'));
      await ha.expect(entities({ 'binary_sensor.occupancy': { state: 'on' } }));
    },
  ],
  [
    'the room stops and starts',
    async () => {
      await kitchen.room.stop();
      await ha.expect(
        entities({
          'binary_sensor.occupancy': unavailable,
          'switch.recognition': unavailable,
          'event.presence': unavailable,
        }),
      );
      kitchen.room = newRoom();
      kitchen.room.start();
      kitchen.room.camera(true);
      await ha.expect(entities({ 'binary_sensor.occupancy': unknown, 'switch.recognition': { state: 'on' } }));
      kitchen.room.state(here('ada'));
      await ha.expect(entities({ 'sensor.person': { state: 'ada' } }));
    },
  ],
  [
    'Home Assistant restarts: all is right again, no event is replayed',
    async () => {
      await ha.stop();
      kitchen.room.event(change('left', ada, []));
      kitchen.room.state(empty());
      await ha.start();
      await ha.expect({
        after: 1,
        ...entities({
          'binary_sensor.occupancy': { state: 'off' },
          'sensor.person': { state: 'nobody' },
          'event.presence': { attributes: { event_type: 'stranger_arrived' } },
        }),
      });
      kitchen.room.state(here('ada'));
      await ha.expect(entities({ 'sensor.person': { state: 'ada' } }));
    },
  ],
  [
    'Grace is forgotten while Home Assistant is away: nothing of her is left when it is back',
    async () => {
      kitchen.room.people([ada, grace]);
      await ha.expect(entities({ 'binary_sensor.grace': { state: 'off' }, 'device_tracker.grace_seen': unknown }));
      await ha.stop();
      kitchen.room.people([ada]);
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
      await waitFor(() => kitchen.room.status().connected, 15_000);
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
      await kitchen.room.stop();
      kitchen.room = roomPublisher(login.url, { mqtt: login.mqtt, memory: kept, homeAssistant: { discovery: false } });
      kitchen.room.start();
      await ha.expect({ devices: { roomkin_kitchen: null } });
      if (refusals.length > 0) throw new Error(refusals.join('\n'));
    },
  ],
];
