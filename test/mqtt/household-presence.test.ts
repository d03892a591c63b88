// Six rooms and six people on a real Mosquitto: what the household's topics say while people move, rooms fail and come back.
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Clock } from '../../src/base/clock.js';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import type { Gallery } from '../../src/gallery/person.js';
import type { Publisher } from '../../src/mqtt/publisher.js';
import { createNeighbours } from '../../src/room/neighbours.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { createRoom, type Room } from '../../src/room/room.js';
import { type Listener, listenTo, retainedAt, startMosquitto, waitFor, withoutMosquitto } from '../helpers/brokers.js';
import { direction, face } from '../room/simulator.js';
import { roomPublisher } from './room.js';

if (withoutMosquitto) {
  t.plan(0, withoutMosquitto);
  process.exit(0);
}
t.setTimeout(300_000);

const random = seededRandom(20261129);
const names = ['ada', 'ben', 'cyn', 'dan', 'eve', 'fay'];
const roomIds = ['attic', 'bath', 'cellar', 'den', 'hall', 'kitchen'];
const capital = (id: string) => `${id[0]!.toUpperCase()}${id.slice(1)}`;
const vectors = new Map(names.map((id) => [id, direction(192, random)]));
const everybody: Gallery = {
  space: 'simulated',
  version: 1,
  cohort: [],
  people: names.map((id) => ({ id, name: capital(id), templates: [{ id: 1, vector: vectors.get(id)! }] })),
};

interface LivingRoom extends AsyncDisposable {
  readonly publisher: Publisher;
  readonly room: Room;
}

/** A room whose camera sees the people that `whereIs` puts there. `isBlind` stops it. */
function livingRoom(
  id: string,
  url: string,
  whereIs: ReadonlyMap<string, string>,
  gallery: () => Gallery = () => everybody,
  isBlind: () => boolean = () => false,
): LivingRoom {
  const offset = roomIds.indexOf(id) * 3_600_000;
  const clock: Clock = { monotonicMs: () => performance.now() + offset, wallMs: () => Date.now() };
  const publisher = roomPublisher(url, { room: { id, name: capital(id) }, clock, homeAssistant: { trackers: true } });
  const room = createRoom(
    gallery,
    { ...defaultRoomOptions, presence: { ...defaultRoomOptions.presence, leaveAfterMs: 2_000 } },
    { state: publisher.state, event: publisher.event, leases: () => neighbours.send() },
    clock.monotonicMs(),
    id,
  );
  const neighbours = createNeighbours(room, publisher, clock);
  let sequence = 0;
  const camera = setInterval(() => {
    publisher.people(gallery().people);
    if (isBlind()) return room.blind(true);
    const faces = [...whereIs]
      .filter(([, place]) => place === id)
      .map(([person]) => face([100 + 190 * names.indexOf(person), 200, 80, 80], vectors.get(person)!));
    room.see({ capturedAt: clock.monotonicMs(), sequence: sequence++, width: 1280, height: 960, faces });
  }, 100);
  publisher.camera(true);
  publisher.start();
  return {
    publisher,
    room,
    async [Symbol.asyncDispose]() {
      clearInterval(camera);
      room.blind();
      neighbours[Symbol.dispose]();
      await publisher.stop();
    },
  };
}

const place = (listener: Listener, person: string): string | null | undefined => {
  const text = listener.of(`household/home/person/${person}`).at(-1);
  return text === undefined || text === '' ? undefined : JSON.parse(text).place;
};
const moves = (listener: Listener): { event_type: string; person: string; from: string; to: string }[] =>
  listener.of('household/home/moves').map((text) => JSON.parse(text));
const until = (listener: Listener, person: string, expected: string | null | undefined) =>
  waitFor(
    () => place(listener, person) === expected,
    20_000,
    () => `${person} is ${place(listener, person)}, not ${expected}`,
  );

t.test('people who change rooms give one event each and are never in two places', async (t) => {
  await using broker = await startMosquitto();
  await using listener = await listenTo(broker.url);
  const whereIs = new Map(names.map((person, index) => [person, roomIds[index]!]));
  await using _rooms = new Together(roomIds.map((id) => livingRoom(id, broker.url, whereIs)));
  for (const person of names) await until(listener, person, capital(whereIs.get(person)!));
  const before = moves(listener).length;
  const overlap = longestOverlap(listener);
  const changes = Number(process.env['ROOMKIN_MOVES'] ?? 24);
  for (let n = 0; n < changes; n += 1) {
    const person = names[n % names.length]!;
    const from = whereIs.get(person)!;
    const to = roomIds.filter((id) => id !== from)[Math.floor(random() * (roomIds.length - 1))]!;
    whereIs.set(person, to);
    await until(listener, person, capital(to));
    await waitFor(() => moves(listener).length >= before + n + 1);
    t.match(moves(listener).at(-1), { event_type: 'moved', person, from, to });
  }
  await sleep(1500);
  t.equal(moves(listener).length, before + changes, 'no event twice');
  const overlapMs = overlap.stop();
  t.comment(`the longest time in two rooms at once: ${overlapMs.toFixed()} ms`);
  t.ok(overlapMs <= 2_000, 'in the states of two rooms for at most 2 s');
  const summary = JSON.parse(listener.of('household/home/state').at(-1)!);
  t.match(summary, { people: 6, strangers: 0, at_home: names });
  const device = listener.of('homeassistant/device/roomkin-household/home/config').at(-1)!;
  const { cmps } = JSON.parse(device);
  t.ok(Object.keys(cmps).length < 40 && device.length < 25_000, `${Object.keys(cmps).length}, ${device.length} bytes`);
  t.strictSame(cmps.place_ada.ops, [...roomIds.map(capital), 'away']);
});

t.test('away, unknown, forgotten; every room may be off', async (t) => {
  await using broker = await startMosquitto();
  await using listener = await listenTo(broker.url);
  const whereIs = new Map([['ada', 'hall']]);
  let gallery = everybody;
  let isPaused = false;
  const hall = livingRoom(
    'hall',
    broker.url,
    whereIs,
    () => gallery,
    () => isPaused,
  );
  const bath = livingRoom('bath', broker.url, whereIs, () => gallery);
  await until(listener, 'ada', 'Hall');
  await until(listener, 'ben', 'away');

  isPaused = true;
  await until(listener, 'ada', null);
  isPaused = false;
  await until(listener, 'ada', 'Hall');
  whereIs.clear();
  await until(listener, 'ada', 'away');
  await waitFor(() => moves(listener).at(-1)?.event_type === 'left_home');
  whereIs.set('ada', 'hall');
  await until(listener, 'ada', 'Hall');
  await waitFor(() => moves(listener).at(-1)?.event_type === 'came_home');

  await bath[Symbol.asyncDispose]();
  whereIs.clear();
  await until(listener, 'ada', 'away');
  whereIs.set('ada', 'hall');
  await until(listener, 'ada', 'Hall');
  const again = livingRoom('bath', broker.url, whereIs, () => gallery);
  await sleep(1000);
  await hall[Symbol.asyncDispose]();
  await until(listener, 'ada', null);
  const kinds = moves(listener).map(({ event_type }) => event_type);
  whereIs.set('ada', 'bath');
  await until(listener, 'ada', 'Bath');
  await waitFor(() => moves(listener).length > kinds.length);
  t.strictSame(
    moves(listener)
      .slice(kinds.length)
      .map(({ event_type, from, to }) => [event_type, from, to]),
    [['moved', 'hall', 'bath']],
    'she went to the bath while the hall was off',
  );

  gallery = { ...everybody, version: 2, people: everybody.people.filter(({ id }) => id !== 'fay') };
  // The hall is off and still describes itself with its people.
  await listener.say('household/home/room/hall', '', { retain: true });
  await until(listener, 'fay', undefined);
  await waitFor(() => !listener.of('homeassistant/device/roomkin-household/home/config').at(-1)!.includes('fay'));
  const retained = Object.entries(await retainedAt(broker.url)).filter(([topic]) => !topic.includes('/hall/'));
  t.notMatch(
    JSON.stringify(retained),
    /fay/i,
    'no retained message names who was forgotten, but those of the room that is off',
  );
  await again[Symbol.asyncDispose]();
});

t.test(
  'who is forgotten while Home Assistant restarts twice in a few seconds is removed when it is back',
  async (t) => {
    await using broker = await startMosquitto();
    await using listener = await listenTo(broker.url);
    const whereIs = new Map([['ada', 'hall']]);
    let gallery = everybody;
    await using _hall = livingRoom('hall', broker.url, whereIs, () => gallery);
    const devices = () => listener.of('homeassistant/device/roomkin-household/home/config');
    const rooms = () => listener.of('homeassistant/device/roomkin/hall/config').length;
    await waitFor(() => devices().at(-1)?.includes('fay') === true);
    const answered = rooms();
    await listener.say('homeassistant/status', 'online');
    await listener.say('homeassistant/status', 'offline');
    await waitFor(() => rooms() > answered);

    gallery = { ...everybody, version: 2, people: everybody.people.filter(({ id }) => id !== 'fay') };
    await waitFor(() => devices().at(-1)?.includes('fay') === false);
    const whileAway = devices().length;
    await listener.say('homeassistant/status', 'online');
    const ofFay = (text: string) => JSON.parse(text).cmps.place_fay;
    await waitFor(() => devices().length >= whileAway + 3);
    const [told, removed, last] = devices().slice(whileAway).map(ofFay);
    t.ok(told.stat_t, 'Home Assistant is told of the entity that it does not know since its restart');
    t.strictSame(removed, { p: 'sensor' }, 'then that it is gone');
    t.equal(last, undefined);
  },
);

/** The longest time for which the states of two rooms contained one person, milliseconds, in steps of 50 ms. */
function longestOverlap(listener: Listener): { stop(): number } {
  const sinceMs = new Map<string, number>();
  let longestMs = 0;
  const timer = setInterval(() => {
    const present = roomIds.flatMap((id): string[] => {
      const text = listener.of(`room/${id}/state`).at(-1);
      const people = text === undefined ? null : JSON.parse(text).people;
      return (people ?? []).map(({ person }: { person: string }) => person);
    });
    for (const person of names) {
      if (present.filter((other) => other === person).length < 2) sinceMs.delete(person);
      else if (!sinceMs.has(person)) sinceMs.set(person, performance.now());
      longestMs = Math.max(longestMs, performance.now() - (sinceMs.get(person) ?? performance.now()));
    }
  }, 50);
  return {
    stop() {
      clearInterval(timer);
      return longestMs;
    },
  };
}

/** Disposes all of them at once. */
class Together implements AsyncDisposable {
  constructor(readonly parts: readonly AsyncDisposable[]) {}
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.parts.map((part) => part[Symbol.asyncDispose]()));
  }
}
