// `npm run test:ha`: somebody taps "Not Ada" and "This is Ben" in the notification, and the gallery of the room changes.
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { faces, startRoom } from '../control/correcting-room.js';
import { listenTo, waitFor } from '../helpers/brokers.js';
import { startHomeAssistant } from './harness.js';
import { runSteps, skipWithoutHomeAssistant } from './steps.js';

skipWithoutHomeAssistant();
t.setTimeout(900_000);

const ha = await startHomeAssistant([join(packageRoot, 'test', 'home-assistant', 'phone.yaml')]);
t.comment(`Home Assistant ${ha.version}, logs in ${ha.folder}`);
const listener = await listenTo(ha.mqttUrl);
const { url, mqtt } = ha.login('kitchen');
const kitchen = await startRoom(t, url, { mqtt });
kitchen.publisher.recognition(true);
kitchen.publisher.camera(true);
const topic = 'room/kitchen/correction';
let id = '';

const said = (): (readonly [string, string])[] =>
  kitchen.store.corrections().map(({ person, template }) => [template === null ? 'not' : 'is', person]);

/** The camera sees `face`; waits for the event and remembers its id. */
async function arrive(face: Float32Array, person: 'ada' | null): Promise<void> {
  const before = listener.of('room/kitchen/person').length;
  kitchen.arrive(face, person);
  await waitFor(() => listener.of('room/kitchen/person').length > before);
  id = JSON.parse(listener.of('room/kitchen/person').at(-1)!).correction;
}

const tap = (action: string): Promise<void> => ha.fire('mobile_app_notification_action', { action });

await runSteps([
  [
    'the blueprint is loaded',
    async () => {
      await ha.expect({ entities: { 'event.kitchen_presence_correction': { state: 'unknown' } } });
      await ha.useBlueprints([
        {
          name: 'correct_from_notification',
          blueprint: 'correct-from-notification',
          input: {
            presence: 'event.kitchen_presence_presence',
            arrival: 'image.kitchen_presence_last_arrival',
            stranger: 'image.kitchen_presence_last_stranger',
            topic,
            people: ['Ben'],
            phone: 'script.phone',
          },
        },
      ]);
      await ha.expect({ entities: { 'automation.correct_from_notification': { state: 'on' } } });
    },
  ],
  [
    'an arrival notifies the phone, with the picture and both buttons',
    async () => {
      await arrive(faces.bens, 'ada');
      await ha.expect({
        entities: {
          'event.kitchen_presence_presence': { attributes: { event_type: 'arrived', correction: id } },
          'input_text.notified_title': { state: 'Ada arrived' },
          'input_text.notified_buttons': {
            state: 'Not Ada, This is Ben /api/image_proxy/image.kitchen_presence_last_arrival',
          },
        },
      });
    },
  ],
  [
    '"This is Ben" changes the gallery, and the phone shows the answer',
    async () => {
      await tap(`roomkin|${topic}|${id}|ada|Ben`);
      await waitFor(() => said().length === 2);
      t.strictSame(said(), [
        ['not', 'ada'],
        ['is', 'ben'],
      ]);
      await ha.expect({
        entities: {
          'event.kitchen_presence_correction': { attributes: { event_type: 'done', correction: id } },
          'input_text.notified_title': { state: 'Corrected' },
          'input_text.notified_message': { state: { $regex: '^This is not Ada: .*This is Ben: ' } },
        },
      });
    },
  ],
  [
    'the same tap again is refused with a reason',
    async () => {
      await tap(`roomkin|${topic}|${id}|ada|Ben`);
      await ha.expect({
        entities: {
          'input_text.notified_title': { state: 'Not corrected' },
          'input_text.notified_message': { state: { $regex: 'corrected already' } },
        },
      });
      t.equal(said().length, 2);
    },
  ],
  [
    '"Not Ada" alone is guarded as on the command line',
    async () => {
      await arrive(faces.own, 'ada');
      await tap(`roomkin|${topic}|${id}|ada|`);
      await ha.expect({
        entities: { 'input_text.notified_message': { state: { $regex: '^it resembles Ada so much' } } },
      });
      await arrive(faces.double, 'ada');
      const before = said().length;
      await tap(`roomkin|${topic}|${id}|ada|`);
      await waitFor(() => said().length === before + 1);
      await ha.expect({ entities: { 'input_text.notified_title': { state: 'Corrected' } } });
    },
  ],
  [
    'taps of other rooms and automations, and damaged ones, change nothing',
    async () => {
      const before = said().length;
      const answers = listener.of(topic).length;
      await arrive(faces.double, 'ada');
      for (const action of [
        'URI',
        `roomkin|room/hall/correction|${id}|ada|`,
        `roomkin|${topic}|${id}|ada`.slice(0, -9),
      ])
        await tap(action);
      await waitFor(() => listener.of(topic).length > answers);
      await ha.expect({ after: 1, entities: { 'input_text.notified_title': { state: 'Not corrected' } } });
      t.equal(listener.of(topic).length, answers + 1, 'only the damaged one reached the room');
      t.equal(said().length, before);
    },
  ],
]);
await kitchen[Symbol.asyncDispose]();
await listener[Symbol.asyncDispose]();
await ha.down();
