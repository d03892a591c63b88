// Five rooms on one real Mosquitto, complete except for camera and models: tracks, names, presence, leases, publisher. Their
// clocks differ by hours. The tests check what the broker shows: in which room a person is.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Clock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import type { Gallery } from '../../src/gallery/person.js';
import { encodeLeases, parseLeases } from '../../src/mqtt/household-transport.js';
import { createNeighbours } from '../../src/room/neighbours.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { createRoom } from '../../src/room/room.js';
import {
  type Listener,
  listenTo,
  startMosquitto,
  startWire,
  type Wire,
  waitFor,
  withoutMosquitto,
} from '../helpers/brokers.js';
import { direction, face } from '../room/simulator.js';
import { broker, roomPublisher } from './room.js';

if (withoutMosquitto) {
  t.plan(0, withoutMosquitto);
  process.exit(0);
}

const random = seededRandom(20261123);
const gallery: Gallery = {
  space: 'simulated',
  version: 1,
  cohort: [],
  people: ['ada', 'ben'].map((id) => ({ id, name: id, templates: [{ id: 1, vector: direction(192, random) }] })),
};
const vectorOf = (person: string) => gallery.people.find(({ id }) => id === person)!.templates[0]!.vector;
const ids = ['cellar', 'hall', 'kitchen', 'nursery', 'study'];
const frameMs = 100;

/** A room with a camera that sees the people that `whereIs` puts there. */
function livingRoom(id: string, url: string, whereIs: ReadonlyMap<string, string>, mqtt = {}): AsyncDisposable {
  const offset = ids.indexOf(id) * 3_600_000;
  const clock: Clock = { monotonicMs: () => performance.now() + offset, wallMs: () => Date.now() - offset };
  const publisher = roomPublisher(url, {
    room: { id, name: id },
    homeAssistant: { discovery: false },
    clock,
    mqtt: { ...broker(url), ...mqtt },
  });
  const room = createRoom(
    () => gallery,
    { ...defaultRoomOptions, presence: { ...defaultRoomOptions.presence, leaveAfterMs: 20_000 } },
    { state: publisher.state, event: publisher.event, leases: () => neighbours.send() },
    clock.monotonicMs(),
    id,
  );
  const neighbours = createNeighbours(room, publisher, clock);
  let sequence = 0;
  const camera = setInterval(() => {
    const faces = [...whereIs]
      .filter(([, place]) => place === id)
      .map(([person]) => face([person === 'ada' ? 100 : 500, 200, 80, 80], vectorOf(person)));
    room.see({ capturedAt: clock.monotonicMs(), sequence: sequence++, width: 1280, height: 960, faces });
  }, frameMs);
  publisher.camera(true);
  publisher.start();
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(camera);
      room.blind();
      neighbours[Symbol.dispose]();
      await publisher.stop();
    },
  };
}

type As = 'seen' | 'assumed';

/** The rooms that publish `person` as present, of those that are online, as a client of the broker sees them. */
function places(listener: Listener, person: string): Map<string, As> {
  const rooms = new Map<string, As>();
  for (const id of ids) {
    if (listener.of(`room/${id}/status`).at(-1) !== 'online') continue;
    const state = JSON.parse(listener.of(`room/${id}/state`).at(-1) ?? '{}') as {
      people?: { person: string; as: As }[] | null;
    };
    const entry = state.people?.find((candidate) => candidate.person === person);
    if (entry !== undefined) rooms.set(id, entry.as);
  }
  return rooms;
}

/**
 * Checks 50 times a second how long two connected rooms publish `seen` for one person. `nowMs` counts these checks and not elapsed
 * time: while other processes keep this one waiting, its rooms wait, too.
 */
function watch(
  listener: Listener,
  cutOff: ReadonlySet<string>,
): { readonly worstMs: () => number; readonly nowMs: () => number; stop(): void } {
  const since = new Map<string, number>();
  let [worstMs, nowMs] = [0, 0];
  const timer = setInterval(() => {
    nowMs += 20;
    for (const { id: person } of gallery.people) {
      const rooms = [...places(listener, person)].filter(([id, as]) => as === 'seen' && !cutOff.has(id));
      if (rooms.length < 2) since.delete(person);
      else if (!since.has(person)) since.set(person, nowMs);
      else worstMs = Math.max(worstMs, nowMs - since.get(person)!);
    }
  }, 20);
  return { worstMs: () => worstMs, nowMs: () => nowMs, stop: () => clearInterval(timer) };
}

const events = (listener: Listener, id: string) =>
  listener.of(`room/${id}/person`).map((text) => {
    const { event_type: type, person, moved_to: to } = JSON.parse(text) as Record<string, string>;
    return `${type} ${person}${to === undefined ? '' : `→${to}`}`;
  });

t.test('five rooms agree where Ada is', async (t) => {
  await using host = await startMosquitto();
  await using listener = await listenTo(host.url);
  const where = new Map<string, string>();
  const lines = new Map<string, Wire>();
  const rooms = new Map<string, AsyncDisposable>();
  const start = (id: string) => {
    // One of them still speaks MQTT 3.1.1.
    rooms.set(id, livingRoom(id, lines.get(id)!.url, where, id === 'study' ? { protocol: 4 } : {}));
  };
  await using _house = {
    async [Symbol.asyncDispose]() {
      for (const part of [...rooms.values(), ...lines.values()]) await part[Symbol.asyncDispose]();
    },
  };
  for (const id of ids) {
    lines.set(id, await startWire(host.port));
    start(id);
  }
  await waitFor(() => ids.every((id) => listener.of(`room/${id}/status`).at(-1) === 'online'));
  const cutOff = new Set<string>();
  const watching = watch(listener, cutOff);
  const only = (place: string, as: As = 'seen') =>
    waitFor(
      () => {
        const rooms = places(listener, 'ada');
        return rooms.size === 1 && rooms.get(place) === as;
      },
      undefined,
      () => `Ada is ${JSON.stringify([...places(listener, 'ada')])}, not in the ${place}`,
    );

  await t.test('she walks from room to room and is in one room at a time', async (t) => {
    where.set('ada', 'kitchen');
    await only('kitchen');
    for (const place of ['hall', 'study', 'nursery', 'kitchen']) {
      where.set('ada', place);
      await only(place);
    }
    t.strictSame(events(listener, 'kitchen'), ['arrived ada', 'left ada→hall', 'arrived ada']);
    t.strictSame(events(listener, 'study'), ['arrived ada', 'left ada→nursery']);
  });

  await t.test('an assumed Ada leaves the kitchen as soon as the hall names her', async (t) => {
    where.delete('ada');
    await only('kitchen', 'assumed');
    where.set('ada', 'hall');
    await waitFor(() => events(listener, 'hall').filter((event) => event === 'arrived ada').length === 2);
    const began = watching.nowMs();
    await only('hall');
    t.ok(watching.nowMs() - began < 1000, `${watching.nowMs() - began} ms after her arrival`);
  });

  await t.test('a room that lost its connection neither keeps her nor takes her back', async (t) => {
    lines.get('hall')!.freeze();
    cutOff.add('hall'); // long before the broker detects it
    where.set('ada', 'study');
    await waitFor(() => places(listener, 'ada').get('study') === 'seen');
    await waitFor(() => listener.of('room/hall/status').at(-1) === 'offline');
    lines.get('hall')!.thaw();
    await waitFor(() => listener.of('room/hall/status').at(-1) === 'online');
    cutOff.delete('hall');
    const began = watching.nowMs();
    await only('study');
    t.ok(watching.nowMs() - began < 2_500, `${watching.nowMs() - began} ms after the hall came back`);
    t.notOk(events(listener, 'study').at(-1)?.startsWith('left'));
  });

  await t.test('the room that she is in restarts', async () => {
    await rooms.get('study')![Symbol.asyncDispose]();
    start('study');
    await only('study');
  });

  await t.test('two people walk at random while rooms lose and regain their connections', async (t) => {
    const next = () => ids[Math.floor(random() * ids.length)]!;
    for (let step = 0; step < 8; step++) {
      where.set(random() < 0.5 ? 'ada' : 'ben', next());
      if (step % 3 === 0) lines.get(next())!.cut();
      await sleep(300 + random() * 1500);
    }
    await only(where.get('ada')!);
    t.comment(`two rooms published seen for ${watching.worstMs()} ms at most`);
    t.ok(watching.worstMs() <= 2000, `two rooms published seen for ${watching.worstMs()} ms at most`);
  });
  watching.stop();
  const own = 'household/home/people/hall';
  t.ok(listener.of(own).length > 0);
  t.notOk(
    listener.messages.some(({ topic, retain }) => topic.startsWith('household/') && retain),
    'no lease is retained',
  );
  t.notMatch(listener.of(own).join(), /similarity|score|embedding|20\d\d-/, 'ages, no wall times, no similarities');
});

t.test('leases of other clients are validated', async (t) => {
  const leases = {
    watching: false,
    strangers: 2,
    epoch: 3,
    acknowledged: new Map([['hall', 7]]),
    people: new Map([
      ['ada', { as: 'seen', asserted: true, confidence: 'high', clock: 2, ageMs: 40 } as const],
      ['ben', { as: 'gone', asserted: false, confidence: 'medium', clock: 1, ageMs: 60_000 } as const],
    ]),
  };
  const good = encodeLeases(leases);
  const parse = (body: unknown) => parseLeases(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)));
  t.strictSame(parse(good), leases);
  const person = { person: 'ada', as: 'seen', says: true, confidence: 'high', turn: 2, age_ms: 40 };
  const bad = [
    '',
    'x',
    'null',
    '[]',
    { ...good, version: -1 },
    { ...good, version: 1e300 },
    { ...good, watching: null },
    { ...good, strangers: -1 },
    { ...good, strangers: 1000 },
    { ...good, heard: null },
    { ...good, heard: { 'a/b': 1 } },
    { ...good, heard: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`room${n}`, 1])) },
    { ...good, people: {} },
    { ...good, people: [null] },
    { ...good, people: Array.from({ length: 65 }, (_, n) => ({ ...person, person: `p${n}` })) },
    { ...good, padding: 'x'.repeat(20_000) },
    ...[
      { person: 'nobody' },
      { person: 7 },
      { as: 'here' },
      { says: 1 },
      { confidence: 0.9 },
      { turn: 1.5 },
      { age_ms: -1 },
      { age_ms: null },
      { age_ms: 1e12 },
    ].map((change) => ({ ...good, people: [{ ...person, ...change }] })),
  ];
  for (const body of bad) t.equal(parse(body), null, JSON.stringify(body).slice(0, 80));
});
