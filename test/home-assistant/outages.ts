// What Home Assistant shows when a camera, a room, the broker or Home Assistant itself stops and comes back.
import { setTimeout as sleep } from 'node:timers/promises';
import { listenTo, waitFor } from '../helpers/brokers.js';
import { here, roomPublisher } from '../mqtt/room.js';
import {
  ada,
  announcedMemory,
  change,
  empty,
  entities,
  grace,
  ha,
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
    'a blind camera makes presence unavailable, but not the problem sensor and the switch',
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
    'a room that stops and starts is unavailable in between',
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
      await ha.expect(entities({ 'sensor.person': { state: 'Ada' } }));
    },
  ],
  [
    'after a restart of Home Assistant all states are right and no event is replayed',
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
      await ha.expect(entities({ 'sensor.person': { state: 'Ada' } }));
    },
  ],
  [
    'a person forgotten while Home Assistant is away disappears when it is back',
    async () => {
      kitchen.room.people([ada, grace]);
      await ha.expect(
        entities({ 'binary_sensor.grace': { state: 'off' }, 'device_tracker.household_home_grace': unknown }),
      );
      await ha.stop();
      kitchen.room.people([ada]);
      await ha.start();
      await ha.expect({
        timeout: 30, // the room answers the birth message after up to 5 s
        ...entities({
          'binary_sensor.grace': null,
          'device_tracker.household_home_grace': null,
          'sensor.household_home_grace': null,
          'binary_sensor.ada': { state: 'on' },
        }),
        devices: { roomkin_kitchen: { triggers: { $not: { $has: ['arrived:Grace'] } } } },
      });
    },
  ],
  [
    'after the broker loses its retained messages all states come back',
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
          'sensor.person': { state: 'Ada' },
          'number.leave_after': { state: { $set: true } },
        }),
      });
    },
  ],
  [
    'a deleted device of a running room comes back',
    async () => {
      await using listener = await listenTo(ha.mqttUrl);
      await listener.say('homeassistant/device/roomkin/kitchen/config', '', { retain: true });
      await sleep(100);
      await ha.expect(entities({ 'binary_sensor.occupancy': { state: 'on' }, 'sensor.person': { state: 'Ada' } }));
    },
  ],
  [
    'the device disappears when discovery is switched off',
    async () => {
      await kitchen.room.stop();
      kitchen.room = roomPublisher(login.url, {
        mqtt: login.mqtt,
        memory: announcedMemory,
        homeAssistant: { discovery: false },
      });
      kitchen.room.start();
      await ha.expect({ devices: { roomkin_kitchen: null } });
      if (refusals.length > 0) throw new Error(refusals.join('\n'));
    },
  ],
];
