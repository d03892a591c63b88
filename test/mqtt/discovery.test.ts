import t from 'tap';
import { type DiscoveredRoom, roomComponents } from '../../src/mqtt/components.js';
import { createDiscovery } from '../../src/mqtt/discovery.js';
import { roomTopics } from '../../src/mqtt/topics.js';
import { memory } from './room.js';

const options = {
  enabled: true,
  prefix: 'homeassistant',
  roomName: 'Kitchen',
  area: 'Kitchen',
  version: '0.0.1',
  board: { model: null, serial: null },
};
const configTopic = 'homeassistant/device/roomkin/kitchen/config';

function room(changes: Partial<DiscoveredRoom> = {}): DiscoveredRoom {
  return {
    id: 'kitchen',
    topics: roomTopics('room', 'kitchen'),
    people: [{ id: 'ada', name: 'Ada' }],
    snapshots: false,
    corrections: false,
    healthMs: 30_000,
    formerNames: [],
    machine: { temperature: true, throttling: true },
    ...changes,
  };
}

interface Sent {
  readonly topic: string;
  readonly payload: string;
}

function wire(acknowledged = true): {
  sent: Sent[];
  deliver: (topic: string, payload: string) => Promise<boolean>;
  keys: () => string[][];
} {
  const sent: Sent[] = [];
  return {
    sent,
    deliver: async (topic, payload) => {
      sent.push({ topic, payload });
      return acknowledged;
    },
    keys: () =>
      sent.map(({ payload }) => (payload === '' ? [] : Object.keys((JSON.parse(payload) as { cmps: object }).cmps))),
  };
}

t.test('the table of components follows the rules of Home Assistant', async (t) => {
  const components = roomComponents(room({ snapshots: true, people: [{ id: 'ada-2', name: 'Ada "the {{ 1 }}"' }] }));
  const list = Object.values(components);
  t.strictSame(
    Object.entries(components)
      .filter(([, component]) => component['dev_cla'] === 'occupancy')
      .map(([key]) => key),
    ['occupancy'],
  );
  t.equal(components['person_ada-2']?.['uniq_id'], 'roomkin_kitchen_person_ada-2');
  t.equal(components['person_ada-2']?.['def_ent_id'], 'binary_sensor.kitchen_presence_ada_2');
  t.equal(components['person_ada-2']?.['obj_id'], 'kitchen_presence_ada_2');
  t.strictSame(components['person']?.['ops'], ['nobody', 'stranger', 'Ada "the {{ 1 }}"']);
  const entities = list.filter((component) => component.p !== 'device_automation');
  t.ok(entities.every((entity) => entity['uniq_id'] && entity['def_ent_id'] && entity['obj_id'] && entity['name']));
  t.equal(new Set(entities.map((entity) => entity['uniq_id'])).size, entities.length);
  t.equal(new Set(entities.map((entity) => entity['def_ent_id'])).size, entities.length);
  t.notMatch(
    list.map((component) => component['val_tpl']),
    ['the {{ 1 }}'],
    'a name is never part of a template',
  );
  t.match(components['arrived_ada-2'], { type: 'arrived', stype: 'Ada "the {{ 1 }}"', pl: 'arrived ada-2' });
  for (const key of ['inference_time', 'frame_rate'])
    t.equal(components[key]?.['en'], false, `${key} is off by default`);
  t.notOk('ent_cat' in components['recognition']!, 'areas and voice reach the privacy switch');
  t.notOk(roomComponents(room())['last_arrival'], 'pictures only on request');
});

t.test("a machine without a thermometer and without a Raspberry Pi's firmware has no such entities", async (t) => {
  const own = ['temperature', 'under_voltage', 'throttled'];
  const keys = (machine: DiscoveredRoom['machine']) =>
    Object.keys(roomComponents(room({ machine }))).filter((key) => own.includes(key));
  t.strictSame(keys({ temperature: false, throttling: false }), []);
  t.strictSame(keys({ temperature: true, throttling: false }), ['temperature']);
  t.strictSame(keys({ temperature: true, throttling: true }), own);
});

t.test('the device names the board, its serial number and where to find help', async (t) => {
  const at = wire();
  const board = { model: 'Raspberry Pi 4 Model B Rev 1.4', serial: '10000000abcdef01' };
  await createDiscovery({ ...options, board }, 'kitchen', memory()).announce(room(), [], at.deliver);
  const { dev, o } = JSON.parse(at.sent[0]!.payload);
  t.match(dev, { mdl: board.model, sn: board.serial, sw: '0.0.1', cu: /^https:/ });
  t.match(o, { name: 'roomkin', url: /^https:.*issues$/ });
});

t.test('a large household fits', async (t) => {
  const people = Array.from({ length: 64 }, (_, n) => ({ id: `${'x'.repeat(29)}${n}`, name: '語'.repeat(64) }));
  const bytes = Buffer.byteLength(JSON.stringify(roomComponents(room({ people, snapshots: true }))));
  t.ok(bytes < 200_000, `${bytes} bytes`);
});

t.test('a forgotten person is sent with only the platform, then omitted', async (t) => {
  const stored = memory();
  const discovery = createDiscovery(options, 'kitchen', stored);
  await discovery.announce(room(), ['room/kitchen/state'], wire().deliver);
  const second = wire();
  await discovery.announce(room({ people: [] }), ['room/kitchen/state'], second.deliver);
  t.strictSame(
    second.sent.map(({ topic }) => topic),
    [configTopic, configTopic],
  );
  const removal = (JSON.parse(second.sent[0]?.payload ?? '') as { cmps: Record<string, unknown> }).cmps;
  t.strictSame(removal['person_ada'], { p: 'binary_sensor' });
  t.strictSame(removal['arrived_ada'], { p: 'device_automation' });
  t.notOk(second.sent[1]?.payload.includes('ada'));
  const third = wire();
  await discovery.announce(room({ people: [] }), ['room/kitchen/state'], third.deliver);
  t.equal(third.sent.length, 1);
  t.notOk(stored.text?.includes('ada'), 'nothing of the person is stored');
});

t.test('a removal that the broker did not acknowledge is repeated after a restart', async (t) => {
  const stored = memory();
  await createDiscovery(options, 'kitchen', stored).announce(room(), [], wire().deliver);
  await createDiscovery(options, 'kitchen', stored).announce(room({ people: [] }), [], wire(false).deliver);
  const later = wire();
  await createDiscovery(options, 'kitchen', stored).announce(room({ people: [] }), [], later.deliver);
  t.ok(later.keys()[0]?.includes('person_ada'));
  t.notOk(later.keys()[1]?.includes('person_ada'));
});

t.test('a removal while Home Assistant is away is repeated when it is back', async (t) => {
  const stored = memory();
  const discovery = createDiscovery(options, 'kitchen', stored);
  await discovery.announce(room(), [], wire().deliver);
  const away = wire();
  await discovery.announce(room({ people: [] }), [], away.deliver, false);
  t.strictSame(
    away.keys().map((keys) => keys.includes('person_ada')),
    [false],
    'the broker has no message about her',
  );
  const back = wire();
  await createDiscovery(options, 'kitchen', stored).announce(room({ people: [] }), [], back.deliver);
  const cmps = back.sent.map(({ payload }) => (JSON.parse(payload) as { cmps: Record<string, object> }).cmps);
  t.match(cmps[0]?.['person_ada'], { p: 'binary_sensor', uniq_id: 'roomkin_kitchen_person_ada' });
  t.strictSame(cmps[1]?.['person_ada'], { p: 'binary_sensor' });
  t.strictSame(
    cmps.map((components) => 'arrived_ada' in components),
    [true, true, false],
  );
  t.notOk(stored.text?.includes('ada'));
  const later = wire();
  await discovery.announce(room({ people: [] }), [], later.deliver);
  t.equal(later.sent.length, 1);
});

t.test('an addition is stored before it is sent to the broker', async (t) => {
  const stored = memory();
  const discovery = createDiscovery(options, 'kitchen', stored);
  void discovery.announce(room(), [], () => new Promise(() => {})); // the connection hangs here
  t.ok(stored.text?.includes('person_ada'));
});

t.test('a renamed room removes its old device and values', async (t) => {
  const stored = memory();
  await createDiscovery(options, 'kitchen', stored).announce(
    room(),
    ['room/kitchen/state', 'room/kitchen/status'],
    wire().deliver,
  );
  const moved = wire();
  const hall = { ...room(), id: 'hall', topics: roomTopics('room', 'hall') };
  await createDiscovery(options, 'hall', stored).announce(hall, ['room/hall/state'], moved.deliver);
  t.strictSame(
    moved.sent.map(({ topic, payload }) => [topic, payload === '']),
    [
      [configTopic, true],
      ['room/kitchen/state', true],
      ['room/kitchen/status', true],
      ['homeassistant/device/roomkin/hall/config', false],
    ],
  );
  t.notOk(stored.text?.includes('kitchen'));
});

t.test('discovery that was switched off is removed once', async (t) => {
  const stored = memory();
  await createDiscovery(options, 'kitchen', stored).announce(room(), [], wire().deliver);
  const off = createDiscovery({ ...options, enabled: false }, 'kitchen', stored);
  const first = wire();
  await off.announce(room(), [], first.deliver);
  t.strictSame(first.sent, [{ topic: configTopic, payload: '' }]);
  const second = wire();
  await off.announce(room(), [], second.deliver);
  t.strictSame(second.sent, []);
});

t.test('a damaged stored text is ignored', async (t) => {
  for (const text of ['{', 'null', '{"topic":1}', '[null,1,{"topic":2}]', '[[]]']) {
    const stored = memory();
    stored.text = text;
    const sent = wire();
    await createDiscovery(options, 'kitchen', stored).announce(room(), [], sent.deliver);
    t.equal(sent.sent.length, 1);
  }
});

t.test('health expires after four missed reports, and after two minutes at least', async (t) => {
  for (const [healthMs, seconds] of [
    [5_000, 120],
    [30_000, 120],
    [300_000, 1200],
  ] as const)
    t.equal(roomComponents(room({ healthMs }))['frame_rate']?.['exp_aft'], seconds);
});

t.test('the topic and the entity of a value that no longer exists are removed once', async (t) => {
  const components = Object.fromEntries(Object.entries(roomComponents(room())).map(([key, { p }]) => [key, p]));
  const last = {
    topic: configTopic,
    components: { ...components, hold: 'number' },
    retained: ['room/kitchen/hold', 'x'],
  };
  const store = memory();
  store.text = JSON.stringify([last]);
  const { sent, deliver } = wire();
  await createDiscovery(options, 'kitchen', store).announce(room(), ['x'], deliver);
  t.strictSame(sent[0], { topic: 'room/kitchen/hold', payload: '' });
  t.strictSame(JSON.parse(sent[1]!.payload).cmps.hold, { p: 'number' });
  t.notOk('hold' in JSON.parse(sent[2]!.payload).cmps);
  const again = wire();
  await createDiscovery(options, 'kitchen', store).announce(room(), ['x'], again.deliver);
  t.strictSame(
    again.sent.map(({ topic }) => topic),
    [configTopic],
  );

  // Not acknowledged: tried again.
  const cut = memory();
  cut.text = JSON.stringify([last]);
  await createDiscovery(options, 'kitchen', cut).announce(room(), ['x'], wire(false).deliver);
  const later = wire();
  await createDiscovery(options, 'kitchen', cut).announce(room(), ['x'], later.deliver);
  t.strictSame(later.sent[0], { topic: 'room/kitchen/hold', payload: '' });
});
