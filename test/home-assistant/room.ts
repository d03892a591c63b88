// `npm run test:ha`: what Home Assistant shows, step by step in one instance. The room has the real publisher and scripted people.
// Every step also fails on any line about MQTT in Home Assistant's log.
import t from 'tap';
import { here } from '../mqtt/room.js';
import { intruderSteps } from './intruder.js';
import { ada, change, empty, entities, grace, ha, id, kitchen, unavailable, unknown } from './kitchen.js';
import { outages } from './outages.js';
import { runSteps } from './steps.js';

t.setTimeout(900_000);

await runSteps([
  [
    'the device, its area and its entities appear; presence is unknown before the first frame',
    async () => {
      kitchen.room.start();
      kitchen.room.camera(true);
      await ha.expect({
        timeout: 20,
        areas: ['Kitchen'],
        devices: {
          roomkin_kitchen: {
            name: 'Kitchen presence',
            area: 'Kitchen',
            configuration_url: { $regex: '^https:' },
            triggers: { $has: ['arrived:Ada', 'left:Ada', 'arrived:stranger'] },
          },
        },
        ...entities({
          'binary_sensor.occupancy': { ...unknown, attributes: { device_class: 'occupancy' }, area: 'Kitchen' },
          'sensor.person': { ...unknown, attributes: { options: ['nobody', 'stranger', 'Ada'] } },
          'sensor.people': unknown,
          'binary_sensor.ada': unknown,
          'event.presence': unknown,
          'image.last_arrival': unknown,
          'image.last_stranger': unknown,
          'device_tracker.household_home_ada': unknown,
          'sensor.household_home_ada': { ...unknown, attributes: { options: ['Kitchen', 'away'] } },
          'sensor.household_home_people_home': unknown,
          'switch.recognition': { state: 'on', entity_category: null },
          'number.leave_after': { state: { $in: ['30', '30.0'] } },
          'binary_sensor.camera': { state: 'off', entity_category: 'diagnostic' },
          'sensor.inference_time': { disabled_by: 'integration' },
          'sensor.temperature': unavailable,
          'sensor.frame_rate': { disabled_by: 'integration' },
          'binary_sensor.problem': unavailable,
          'button.restart': { entity_category: 'config' },
        }),
      });
    },
  ],
  [
    'an empty room is reported as empty',
    async () => {
      kitchen.room.state(empty());
      await ha.expect(
        entities({
          'binary_sensor.occupancy': { state: 'off' },
          'sensor.person': { state: 'nobody' },
          'sensor.people': { state: '0' },
          'binary_sensor.ada': { state: 'off' },
          // Only somebody who is known to be away can come home.
          'device_tracker.household_home_ada': unknown,
          'sensor.household_home_ada': { state: 'away' },
          'sensor.household_home_people_home': { state: '0' },
        }),
      );
    },
  ],
  ...intruderSteps(ha),
  [
    'the arrival of Ada changes all entities',
    async () => {
      kitchen.room.state(here('ada'));
      kitchen.room.event(change('arrived', ada, ['ada']), Buffer.from('/9j/4AAQSkZJRgABAQEAYABgAAD/2Q==', 'base64'));
      kitchen.room.health({
        fps: 5,
        analysedFps: 1.04,
        search: 'full',
        drops: 0,
        inferenceMs: 41,
        inferenceP95Ms: 60,
        temperatureCelsius: 55.5,
        throttled: false,
        underVoltage: false,
        needsPhotos: ['Grace'],
        fixedFaces: 0,
        problems: ['gallery: it is broken: mend it'],
        model: 'm',
        version: '1',
        uptimeSeconds: 9,
      });
      await ha.expect(
        entities({
          'binary_sensor.occupancy': { state: 'on' },
          'sensor.person': { state: 'Ada', attributes: { people: ['ada'], id: 'ada', names: ['Ada'], strangers: 0 } },
          'sensor.people': { state: '1' },
          'binary_sensor.ada': { state: 'on' },
          'device_tracker.household_home_ada': { state: 'home' },
          'sensor.household_home_ada': { state: 'Kitchen' },
          'sensor.household_home_people_home': { state: '1', attributes: { people: ['ada'] } },
          'sensor.household_home_strangers_home': { state: '0' },
          'event.household_home_moves': { attributes: { event_type: 'came_home', name: 'Ada', to: 'kitchen' } },
          'event.presence': {
            state: { $set: true },
            attributes: { event_type: 'arrived', person: 'ada', present: ['ada'] },
          },
          'image.last_arrival': { state: { $set: true }, image: { content_type: 'image/jpeg' } },
          'image.last_stranger': unknown,
          'binary_sensor.problem': {
            state: 'on',
            attributes: { problems: ['gallery: it is broken: mend it'], device_class: 'problem' },
          },
          'binary_sensor.needs_photos': { state: 'on', attributes: { people: ['Grace'] } },
          'binary_sensor.static_faces': { state: 'off' },
          'binary_sensor.under_voltage': { state: 'off' },
          'binary_sensor.throttled': { state: 'off' },
          'sensor.temperature': { state: '55.5' },
        }),
      );
    },
  ],
  [
    'Ada moves to another room and comes back',
    async () => {
      kitchen.room.state(empty());
      kitchen.room.event({ ...change('left', ada, []), movedTo: 'hall' });
      await ha.expect(
        entities({
          'binary_sensor.ada': { state: 'off' },
          'event.presence': { attributes: { event_type: 'left', person: 'ada', moved_to: 'hall' } },
        }),
      );
      kitchen.room.state(here('ada'));
      await ha.expect(entities({ 'binary_sensor.ada': { state: 'on' } }));
    },
  ],
  [
    'a newly enrolled person comes in with an unknown person',
    async () => {
      kitchen.room.people([ada, grace]);
      kitchen.room.state({ ...here('ada', 'grace'), strangers: 1 });
      kitchen.room.event(change('arrived', grace, ['ada', 'grace']));
      kitchen.room.event(change('stranger_arrived', null, ['ada', 'grace']));
      await ha.expect(
        entities({
          'sensor.person': {
            state: 'Grace',
            attributes: { options: ['nobody', 'stranger', 'Ada', 'Grace'], strangers: 1 },
          },
          'sensor.people': { state: '3' },
          'binary_sensor.grace': { state: 'on' },
          'event.presence': { attributes: { event_type: 'stranger_arrived' } },
        }),
      );
    },
  ],
  [
    'a renamed person keeps the entity',
    async () => {
      kitchen.room.people([ada, { ...grace, name: 'Grace Hopper' }]);
      await ha.expect(
        entities({
          'binary_sensor.grace': { state: 'on', attributes: { friendly_name: { $regex: 'Grace Hopper$' } } },
        }),
      );
      const both = here('ada', 'grace');
      const [first, second] = both.people;
      kitchen.room.state({ ...both, people: [first!, { ...second!, name: 'Grace Hopper' }] });
      await ha.expect({
        ...entities({ 'sensor.person': { state: 'Grace Hopper', attributes: { id: 'grace' } } }),
        devices: { roomkin_kitchen: { triggers: { $has: ['arrived:Grace Hopper'] } } },
      });
    },
  ],
  [
    'an ambiguous face names both candidates and turns neither on',
    async () => {
      const doubt = { people: ['ada', 'grace'], names: ['Ada', 'Grace'], sinceMs: performance.now() };
      kitchen.room.state({ ...empty(), occupied: true, ambiguous: [doubt] });
      await ha.expect(
        entities({
          'sensor.person': { state: 'unknown', attributes: { ambiguous: [['ada', 'grace']], people: [] } },
          'sensor.people': { state: '1' },
          'binary_sensor.ada': { state: 'off' },
        }),
      );
    },
  ],
  [
    'a person who is forgotten while she is the state disappears',
    async () => {
      kitchen.room.people([ada]);
      kitchen.room.state({ ...here('ada'), strangers: 1 });
      await ha.expect({
        ...entities({
          'binary_sensor.grace': null,
          'device_tracker.household_home_grace': null,
          'sensor.household_home_grace': null,
          'binary_sensor.ada': { state: 'on' },
          'sensor.person': { state: 'Ada', attributes: { options: ['nobody', 'stranger', 'Ada'] } },
        }),
        devices: { roomkin_kitchen: { triggers: { $not: { $has: ['arrived:Grace Hopper'] } } } },
      });
    },
  ],
  [
    'only an unknown person is left, then somebody without an identity',
    async () => {
      kitchen.room.state({ ...empty(), occupied: true, strangers: 1 });
      await ha.expect(entities({ 'sensor.person': { state: 'stranger' }, 'binary_sensor.ada': { state: 'off' } }));
      kitchen.room.state({ ...empty(), occupied: true });
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
    'the controls for the leaving time and recognition work',
    async () => {
      await ha.call('number.set_value', { entity_id: id('number.leave_after'), value: 45 });
      await ha.expect(entities({ 'number.leave_after': { state: { $in: ['45', '45.0'] } } }));
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
      kitchen.room.state(here('ada'));
      await ha.expect(entities({ 'switch.recognition': { state: 'on' }, 'binary_sensor.ada': { state: 'on' } }));
    },
  ],
  ...outages,
]);
await kitchen.room.stop();
await ha.down();
