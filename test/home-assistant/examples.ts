// `npm run test:ha`: a real Home Assistant imports each blueprint, messages of rooms trigger it, and Assist answers.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import type { Publisher } from '../../src/mqtt/publisher.js';
import type { PresenceEvent, PresenceSnapshot } from '../../src/presence/presence.js';
import { listenTo } from '../helpers/brokers.js';
import { aloneInHousehold, here, roomPublisher } from '../mqtt/room.js';
import { assistSteps } from './assist.js';
import { addLight, startHomeAssistant } from './harness.js';
import { runSteps, skipWithoutHomeAssistant } from './steps.js';

skipWithoutHomeAssistant();
t.setTimeout(900_000);

const ha = await startHomeAssistant(
  [join(packageRoot, 'examples', 'roomkin-assist.yaml'), join(packageRoot, 'test', 'home-assistant', 'house.yaml')],
  ['lamp/#', 'radar/#'],
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
  name: person === null ? null : `${person[0]!.toUpperCase()}${person.slice(1)}`,
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
    roomPublisher(url, {
      mqtt,
      room: { id, name },
      household,
      homeAssistant: { area: name, trackers: true },
      privacy: { snapshots: true },
    }),
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

const jpeg = Buffer.from('/9j/4AAQSkZJRgABAQEAYABgAAD/2Q==', 'base64');
const radar = {
  name: 'Radar',
  uniq_id: 'radar',
  obj_id: 'radar',
  def_ent_id: 'binary_sensor.radar',
  dev_cla: 'occupancy',
  stat_t: 'radar/state',
  dev: { ids: ['radar'], name: 'Radar' },
  o: { name: 'test' },
};
await listener.say('homeassistant/binary_sensor/radar/config', JSON.stringify(radar), { retain: true });
await listener.say('radar/state', 'OFF', { retain: true });

const events = 'event.kitchen_presence_presence';
const occupancy = 'binary_sensor.kitchen_presence_occupancy';
const nurseryOccupancy = 'binary_sensor.nursery_presence_occupancy';
const blueprints = [
  {
    name: 'welcome_ada',
    blueprint: 'welcome-by-person',
    input: {
      rooms: [events],
      people: ['sensor.household_home_ada'],
      light: { entity_id: 'light.kitchen' },
      brightness: 80,
      actions: [
        {
          action: 'media_player.play_media',
          target: { entity_id: 'media_player.kitchen' },
          data: { media_content_type: 'playlist', media_content_id: 'jazz for {{ name }}' },
        },
      ],
    },
  },
  {
    name: 'welcome_grace',
    blueprint: 'welcome-by-person',
    input: {
      rooms: [events],
      people: ['sensor.household_home_grace'],
      light: { entity_id: 'light.kitchen' },
      brightness: 40,
    },
  },
  {
    name: 'last_one_leaves',
    blueprint: 'last-one-leaves',
    input: { rooms: [occupancy, nurseryOccupancy], lights: ['light.kitchen'], players: ['media_player.kitchen'] },
  },
  {
    name: 'unknown_person',
    blueprint: 'unknown-person-while-away',
    input: {
      room: events,
      picture: 'image.kitchen_presence_last_stranger',
      people: ['person.ada'],
      notify: 'notify.persistent_notification',
    },
  },
  {
    name: 'do_not_disturb',
    blueprint: 'do-not-disturb',
    input: {
      person: 'binary_sensor.nursery_presence_mia',
      light: 'light.nursery',
      quiet: 'input_boolean.do_not_disturb',
    },
  },
  {
    name: 'privacy',
    blueprint: 'privacy-by-schedule',
    input: { rooms: ['switch.kitchen_presence_recognition'], off_at: clockTime(0), on_at: '23:59:59' },
  },
  {
    name: 'fast_off',
    blueprint: 'fast-off-light',
    input: { room: nurseryOccupancy, radar: 'binary_sensor.radar', light: ['light.nursery'] },
  },
  {
    name: 'announce',
    blueprint: 'announce-at-the-door',
    input: { room: events, speaker: 'media_player.kitchen', voice: 'tts.house' },
  },
];

/** A time of the day in Home Assistant's zone (UTC), `seconds` from now. */
function clockTime(seconds: number): string {
  return new Date(Date.now() + 1000 * seconds).toISOString().slice(11, 19);
}

const use = async (...names: readonly string[]): Promise<void> => {
  await ha.useBlueprints(blueprints.filter(({ name }) => names.includes(name)));
};

await runSteps([
  [
    'every blueprint of the repository is loaded',
    async () => {
      await ha.expect({
        timeout: 20,
        entities: {
          'light.kitchen': { state: { $in: ['unknown', 'off'] } },
          [occupancy]: { state: 'off' },
          'binary_sensor.nursery_presence_mia': { state: 'off' },
          'sensor.household_home_ada': { state: 'away' },
          'binary_sensor.radar': { state: 'off' },
          'person.ada': { state: 'unknown' },
        },
      });
      const files = readdirSync(join(packageRoot, 'blueprints', 'automation', 'roomkin')).sort();
      // corrections.ts uses the first.
      const names = ['correct-from-notification', ...blueprints.map(({ blueprint }) => blueprint)];
      const used = [...new Set(names.map((name) => `${name}.yaml`))].sort();
      if (files.join() !== used.join()) throw new Error(`the files are ${files.join()}, those used ${used.join()}`);
      await use(...blueprints.map(({ name }) => name));
      const states = Object.fromEntries(blueprints.map(({ name }) => [`automation.${name}`, { state: 'on' }]));
      await ha.expect({ entities: states });
    },
  ],
  [
    'unknown person while away: only while nobody is home, with the picture',
    async () => {
      await use('unknown_person');
      kitchen.state(here('ada'));
      await ha.expect({ entities: { 'person.ada': { state: 'home' } } });
      kitchen.event(change('stranger_arrived', null, ['ada']), jpeg);
      await ha.expect({ after: 1, entities: { 'automation.unknown_person': notRun } });
      kitchen.state(empty());
      await ha.expect({ entities: { 'person.ada': { state: 'unknown' } } });
      kitchen.event(change('stranger_arrived', null, []), jpeg);
      await ha.expect({
        entities: {
          'automation.unknown_person': ran,
          'input_text.notified': {
            state: { $regex: '^Kitchen, .*/api/image_proxy/image.kitchen_presence_last_stranger' },
          },
        },
      });
    },
  ],
  [
    'welcome by person: her light, her music, and nothing for somebody else',
    async () => {
      await use('welcome_ada', 'welcome_grace');
      kitchen.state(here('ada'));
      kitchen.event(change('arrived', 'ada', ['ada']));
      await ha.expect({
        entities: {
          'light.kitchen': { state: 'on', attributes: { brightness: 204 } },
          'input_text.playing': { state: 'jazz for Ada' },
          'automation.welcome_grace': notRun,
        },
      });
      kitchen.state(here('ada', 'grace'));
      kitchen.event(change('arrived', 'grace', ['ada', 'grace']));
      await ha.expect({ entities: { 'light.kitchen': { attributes: { brightness: 102 } } } });
    },
  ],
  [
    'announce at the door: the name, or that somebody is there',
    async () => {
      await use('announce');
      kitchen.event(change('arrived', 'ada', ['ada', 'grace']));
      await ha.expect({
        entities: {
          'input_text.playing': { state: 'media-source://tts/tts.house?message=Ada%20is%20at%20the%20door.' },
        },
      });
      kitchen.event(change('stranger_arrived', null, ['ada', 'grace']));
      await ha.expect({ entities: { 'input_text.playing': { state: { $regex: 'message=Somebody' } } } });
    },
  ],
  [
    'the last one leaves: not while one stays or a camera is dead, but when all rooms are empty',
    async () => {
      await use('last_one_leaves');
      const lit = { 'light.kitchen': { state: 'on' }, 'automation.last_one_leaves': notRun };
      kitchen.state(here('grace'));
      kitchen.camera(false);
      await ha.expect({ entities: { [occupancy]: { state: 'unavailable' } } });
      kitchen.camera(true);
      kitchen.state(here('grace'));
      await ha.expect({ entities: { [occupancy]: { state: 'on' }, ...lit } });
      nursery.state(here('mia'));
      await ha.expect({ entities: { [nurseryOccupancy]: { state: 'on' } } });
      kitchen.state(empty());
      await ha.expect({ after: 1, entities: { [occupancy]: { state: 'off' }, ...lit } });
      nursery.state(empty());
      await ha.expect({
        entities: { 'light.kitchen': { state: 'off' }, 'input_text.playing': { state: 'silence' } },
      });
      // She leaves while the room is not watched.
      kitchen.state(here('grace'));
      await ha.call('light.turn_on', { entity_id: 'light.kitchen' });
      kitchen.camera(false);
      await ha.expect({ entities: { [occupancy]: { state: 'unavailable' }, 'light.kitchen': { state: 'on' } } });
      kitchen.camera(true);
      kitchen.state(empty());
      await ha.expect({ entities: { 'light.kitchen': { state: 'off' } } });
    },
  ],
  [
    'do not disturb',
    async () => {
      await use('do_not_disturb');
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
    'a light that goes off fast: the radar reaches the room, and both must be off',
    async () => {
      await use('fast_off');
      await listener.say('radar/state', 'ON', { retain: true });
      await listener.until('room/nursery/motion/set', 'ON');
      await ha.expect({ entities: { 'light.nursery': { state: 'on' } } });
      nursery.state(here('mia'));
      await ha.expect({ entities: { [nurseryOccupancy]: { state: 'on' } } });
      await listener.say('radar/state', 'OFF', { retain: true });
      await listener.until('room/nursery/motion/set', 'OFF');
      await ha.expect({ after: 1, entities: { 'light.nursery': { state: 'on' } } });
      nursery.state(empty());
      await ha.expect({ entities: { 'light.nursery': { state: 'off' } } });
    },
  ],
  [
    'privacy by schedule: the switch turns off and on at its times, and nobody counts as gone',
    async () => {
      kitchen.state(here('ada'));
      await ha.expect({ entities: { 'binary_sensor.kitchen_presence_ada': { state: 'on' } } });
      const rooms = ['switch.kitchen_presence_recognition'];
      const input = { rooms, off_at: clockTime(3), on_at: clockTime(8) };
      await ha.useBlueprints([{ name: 'privacy', blueprint: 'privacy-by-schedule', input }]);
      await ha.expect({
        entities: {
          'switch.kitchen_presence_recognition': { state: 'off' },
          'binary_sensor.kitchen_presence_ada': { state: 'unknown' },
        },
      });
      await ha.expect({ timeout: 15, entities: { 'switch.kitchen_presence_recognition': { state: 'on' } } });
    },
  ],
  ...assistSteps(ha, kitchen, empty),
]);
await kitchen.stop();
await nursery.stop();
await listener[Symbol.asyncDispose]();
await ha.down();
