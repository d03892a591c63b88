// `npm run test:ha`: a real Home Assistant loads each automation of examples/, and messages of rooms trigger it.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import type { Publisher } from '../../src/mqtt/publisher.js';
import type { PresenceEvent, PresenceSnapshot } from '../../src/presence/presence.js';
import { listenTo } from '../helpers/brokers.js';
import { aloneInHousehold, here, roomPublisher } from '../mqtt/room.js';
import { addLight, startHomeAssistant } from './harness.js';
import { runSteps, skipWithoutHomeAssistant } from './steps.js';

skipWithoutHomeAssistant();
t.setTimeout(900_000);

const examples = join(packageRoot, 'examples');
const packages = readdirSync(examples)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => join(examples, name));
const ha = await startHomeAssistant(
  [...packages, join(packageRoot, 'test', 'home-assistant', 'house.yaml')],
  ['lamp/#'],
);
t.comment(`Home Assistant ${ha.version}, logs in ${ha.folder}`);
const listener = await listenTo(ha.mqttUrl);

const empty = (): PresenceSnapshot => ({
  occupied: false,
  people: [],
  ambiguous: [],
  strangers: 0,
  sinceMs: performance.now(),
});
const change = (type: PresenceEvent['type'], person: string | null, present: readonly string[]): PresenceEvent => ({
  type,
  person,
  name: person,
  confidence: 'high',
  present,
  atMs: performance.now(),
  movedTo: null,
  track: null,
});

function room(id: string, name: string, ...people: readonly { id: string; name: string }[]): Publisher {
  const { url, mqtt } = ha.login(id);
  // Each is the only room of its household, because nobody exchanges leases here.
  const household = { id: id === 'kitchen' ? 'home' : id, shares: false };
  const publisher = aloneInHousehold(
    roomPublisher(url, { mqtt, room: { id, name }, household, homeAssistant: { area: name, trackers: true } }),
    id,
  );
  publisher.onCommand((command) => {
    if (command.type === 'recognition') publisher.recognition(command.on);
  });
  publisher.people(people);
  publisher.recognition(true);
  publisher.leaveAfter(60);
  publisher.camera(true);
  publisher.start();
  publisher.state(empty());
  return publisher;
}

const ran = { attributes: { last_triggered: { $set: true } } };
const notRun = { attributes: { last_triggered: null } };
const kitchen = room('kitchen', 'Kitchen', { id: 'ada', name: 'Ada' }, { id: 'grace', name: 'Grace' });
const nursery = room('nursery', 'Nursery', { id: 'mia', name: 'Mia' });
await addLight(listener, 'kitchen');
await addLight(listener, 'nursery');

await runSteps([
  [
    'every automation is loaded',
    async () => {
      await ha.expect({
        timeout: 20,
        entities: {
          'light.kitchen': { state: { $in: ['unknown', 'off'] } },
          'binary_sensor.kitchen_presence_occupancy': { state: 'off' },
          'binary_sensor.nursery_presence_mia': { state: 'off' },
          'person.ada': { state: 'unknown' },
          'automation.welcome_whoever_comes_into_the_kitchen': { state: 'on' },
          'automation.the_kitchen_is_empty': { state: 'on' },
          'automation.a_stranger_in_the_kitchen_while_nobody_is_home': { state: 'on' },
          'automation.quiet_mia_sleeps': { state: 'on' },
          'automation.mia_is_up': { state: 'on' },
          'automation.the_kitchen_s_camera_goes_off_at_night': { state: 'on' },
          'automation.the_kitchen_s_camera_comes_on_in_the_morning': { state: 'on' },
        },
      });
    },
  ],
  [
    'stranger-while-away: only while nobody is home',
    async () => {
      const notification = 'automation.a_stranger_in_the_kitchen_while_nobody_is_home';
      kitchen.state(here('ada'));
      await ha.expect({ entities: { 'person.ada': { state: 'home' } } });
      kitchen.event(change('stranger_arrived', null, ['ada']));
      await ha.expect({ after: 1, entities: { [notification]: notRun } });
      kitchen.state(empty());
      await ha.expect({ entities: { 'person.ada': { state: 'unknown' } } });
      kitchen.event(change('stranger_arrived', null, []));
      await ha.expect({ entities: { [notification]: ran } });
    },
  ],
  [
    'welcome-by-person: her light, her music',
    async () => {
      kitchen.state(here('ada'));
      kitchen.event(change('arrived', 'ada', ['ada']));
      await ha.expect({
        entities: {
          'light.kitchen': { state: 'on', attributes: { brightness: 204 } },
          'input_text.playing': { state: 'jazz' },
        },
      });
      kitchen.state(here('ada', 'grace'));
      kitchen.event(change('arrived', 'grace', ['ada', 'grace']));
      await ha.expect({
        entities: { 'light.kitchen': { attributes: { brightness: 102 } }, 'input_text.playing': { state: 'jazz' } },
      });
    },
  ],
  [
    'last-one-leaves: not while one stays, not when the camera dies, but when the room is empty',
    async () => {
      const automation = 'automation.the_kitchen_is_empty';
      const unchanged = { 'light.kitchen': { state: 'on' }, 'input_text.playing': { state: 'jazz' } };
      kitchen.state(here('grace'));
      kitchen.event(change('left', 'ada', ['grace']));
      kitchen.camera(false);
      await ha.expect({ entities: { 'binary_sensor.kitchen_presence_occupancy': { state: 'unavailable' } } });
      kitchen.camera(true);
      kitchen.state(here('grace'));
      await ha.expect({ after: 1, entities: unchanged });
      kitchen.state(empty());
      await ha.expect({
        entities: { 'light.kitchen': { state: 'off' }, 'input_text.playing': { state: 'silence' }, [automation]: ran },
      });
      // She leaves while the room is not watched.
      kitchen.state(here('grace'));
      await ha.call('light.turn_on', { entity_id: 'light.kitchen' });
      kitchen.camera(false);
      await ha.expect({ entities: { 'binary_sensor.kitchen_presence_occupancy': { state: 'unavailable' } } });
      kitchen.camera(true);
      kitchen.state(empty());
      await ha.expect({ entities: { 'light.kitchen': { state: 'off' } } });
    },
  ],
  [
    'quiet-while-a-child-sleeps',
    async () => {
      const quiet = 'input_boolean.do_not_disturb';
      await ha.call('light.turn_on', { entity_id: 'light.nursery' });
      nursery.state(here('mia'));
      await ha.expect({ after: 1, entities: { [quiet]: { state: 'off' } } });
      await ha.call('light.turn_off', { entity_id: 'light.nursery' });
      await ha.expect({ entities: { [quiet]: { state: 'on' } } });
      nursery.camera(false);
      await ha.expect({ after: 1, entities: { [quiet]: { state: 'on' } } });
      nursery.camera(true);
      nursery.state(here('mia'));
      await ha.expect({ entities: { 'binary_sensor.nursery_presence_mia': { state: 'on' } } });
      nursery.state(empty());
      await ha.expect({ entities: { [quiet]: { state: 'off' } } });
    },
  ],
  [
    'privacy-by-schedule: the switch turns off, and nobody counts as gone',
    async () => {
      kitchen.state(here('ada'));
      await ha.expect({ entities: { 'binary_sensor.kitchen_presence_ada': { state: 'on' } } });
      await ha.call('automation.trigger', { entity_id: 'automation.the_kitchen_s_camera_goes_off_at_night' });
      await ha.expect({
        entities: {
          'switch.kitchen_presence_recognition': { state: 'off' },
          'binary_sensor.kitchen_presence_ada': { state: 'unknown' },
        },
      });
      await ha.call('automation.trigger', { entity_id: 'automation.the_kitchen_s_camera_comes_on_in_the_morning' });
      await ha.expect({ entities: { 'switch.kitchen_presence_recognition': { state: 'on' } } });
    },
  ],
]);
await kitchen.stop();
await nursery.stop();
await listener[Symbol.asyncDispose]();
await ha.down();
