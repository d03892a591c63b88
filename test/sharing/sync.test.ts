// Rooms with real stores on a real broker: from a change in one room to the gallery of the other.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import type { Log } from '../../src/base/log.js';
import { createHouseholdSeal, firstKey, type HouseholdSeal } from '../../src/sharing/key.js';
import { createGallerySharing, shareGallery } from '../../src/sharing/sync.js';
import {
  type Broker,
  listenTo,
  mosquittoPath,
  startAedes,
  startMosquitto,
  waitFor,
  withoutMosquitto,
} from '../helpers/brokers.js';
import { lines, roomPublisher } from '../mqtt/room.js';
import { everyByte, openRoom, seal } from './house.js';
import { enrolMadeUp, space, temporaryFolder } from './household.js';
import { patientMs, type Sharing, share } from './online.js';

t.setTimeout(180_000);
t.jobs = 16;

const startBroker = (persistence = false): Promise<Broker> =>
  mosquittoPath === null ? startAedes() : startMosquitto({ persistence, lines: ['allow_anonymous true'] });
const topic = (person: string): string => `household/home/gallery/${seal.nameOf(person)}`;
const withMosquitto = { skip: withoutMosquitto };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const knows =
  ({ names }: Sharing, ...people: string[]) =>
  (): boolean =>
    names().sort().join() === people.join();

for (const protocol of [5, 4] as const)
  t.test(`MQTT ${protocol}: a person enrolled, renamed or forgotten in one room is so in the other`, async (t) => {
    await using broker = await startBroker();
    await using listener = await listenTo(broker.url);
    await using kitchen = share(broker, 'kitchen', { protocol });
    enrolMadeUp(kitchen.room.store, 'Wilhelmina', 3);
    await using hall = share(broker, 'hall', { protocol });
    await waitFor(knows(hall, 'Wilhelmina'));
    t.equal(hall.room.store.gallery(space).people[0]?.templates.length, 3);
    enrolMadeUp(hall.room.store, 'Ben', 2);
    hall.changed();
    await waitFor(knows(kitchen, 'Ben', 'Wilhelmina'));
    kitchen.room.store.change((changes) => changes.rename('wilhelmina', 'Mina'));
    kitchen.changed();
    await waitFor(knows(hall, 'Ben', 'Mina'));
    hall.room.store.forget('wilhelmina');
    hall.changed();
    await waitFor(knows(kitchen, 'Ben'));
    await waitFor(() => listener.of(topic('wilhelmina')).length === 3);
    await pause(600);
    const messages = listener.messages.filter((message) => message.topic.startsWith('household/home/gallery/'));
    t.equal(
      messages.filter((message) => message.topic === topic('wilhelmina')).length,
      3,
      'each change is published once: no echo, no loop',
    );
    t.equal(messages.filter((message) => message.topic === topic('ben')).length, 1);
    const bytes = messages.map(({ payload }) => payload).join() + messages.map((message) => message.topic).join();
    t.notMatch(bytes, /wilhelmina|eyesPx|templates/i, 'the messages do not reveal whom they are about');
    t.same(
      [...kitchen.lines, ...hall.lines].filter((line) => line.startsWith('warning')),
      [],
    );
  });

t.test('a person forgotten while a room is off is erased there completely when it returns', async (t) => {
  await using broker = await startBroker(true);
  const folder = temporaryFolder();
  t.teardown(() => rmSync(folder, { recursive: true }));
  await using kitchen = share(broker, 'kitchen');
  enrolMadeUp(kitchen.room.store, 'Wilhelmina', 5);
  {
    await using hall = share(broker, 'hall', { folder });
    await waitFor(knows(hall, 'Wilhelmina'));
  }
  kitchen.room.store.forget('wilhelmina');
  kitchen.changed();
  await waitFor(() => [...kitchen.room.people.versions().values()].every(({ stamp }) => stamp.forgotten));
  await pause(200);
  await broker.stop();
  await broker.start();
  t.match(everyByte(folder).toString('latin1').toLowerCase(), 'wilhelmina');
  await using hall = share(broker, 'hall', { folder });
  await waitFor(knows(hall));
  t.notMatch(everyByte(folder).toString('latin1').toLowerCase(), 'wilhelmina');
  t.same(hall.room.erased, ['wilhelmina']);
  t.ok(hall.lines.some((line) => line.startsWith('notice: Wilhelmina was forgotten in kitchen')));
});

t.test('a repeated old message restores nobody and is replaced', async (t) => {
  await using broker = await startBroker();
  await using kitchen = share(broker, 'kitchen');
  await using hall = share(broker, 'hall');
  let old: Buffer | null = null;
  await using listener = await listenTo(broker.url);
  listener.client.on('message', (topicName, payload) => {
    if (topicName === topic('ada')) old ??= payload;
  });
  enrolMadeUp(kitchen.room.store, 'Ada', 3);
  kitchen.changed();
  await waitFor(knows(hall, 'Ada'));
  hall.room.store.forget('ada');
  hall.changed();
  await waitFor(knows(kitchen));
  await waitFor(() => listener.of(topic('ada')).length === 2);
  await listener.client.publishAsync(topic('ada'), old!, { qos: 1, retain: true });
  await waitFor(
    () => listener.of(topic('ada')).length > 3,
    undefined,
    () => 'the old message was not replaced',
  );
  await pause(800);
  t.strictSame([kitchen.names(), hall.names()], [[], []]);
  await using attic = share(broker, 'attic');
  await waitFor(() => attic.room.people.versions().size === 1);
  await pause(600);
  t.strictSame(attic.names(), [], 'a new room receives the newest message');
  t.equal(attic.room.people.versions().size, 1);
});

t.test('a broker that lost its messages or whose message was deleted gets them again', async () => {
  await using broker = await startBroker();
  await using kitchen = share(broker, 'kitchen');
  enrolMadeUp(kitchen.room.store, 'Ada', 3);
  kitchen.changed();
  await waitFor(() => kitchen.room.people.versions().size === 1);
  await broker.stop();
  await broker.start();
  await using hall = share(broker, 'hall');
  await waitFor(knows(hall, 'Ada'));
  await using listener = await listenTo(broker.url);
  await listener.say(topic('ada'), '', { retain: true });
  await waitFor(() => listener.of(topic('ada')).at(-1) !== '');
  await using attic = share(broker, 'attic');
  await waitFor(knows(attic, 'Ada'));
});

t.test(
  'another key, invalid data and a message that is too large cause one warning each and nothing else',
  async (t) => {
    await using broker = await startBroker();
    await using kitchen = share(broker, 'kitchen');
    enrolMadeUp(kitchen.room.store, 'Ada', 3);
    const wrong: HouseholdSeal = createHouseholdSeal(firstKey(Buffer.alloc(32, 9)), 'home');
    await using hall = share(broker, 'hall', { household: wrong });
    enrolMadeUp(hall.room.store, 'Ben', 2);
    hall.changed();
    const warnings = (sharing: Sharing): string[] => sharing.lines.filter((line) => line.startsWith('warning'));
    await waitFor(() => warnings(hall).length > 0 && warnings(kitchen).length > 0);
    await using listener = await listenTo(broker.url);
    for (const person of ['ada', 'ben', 'cleo']) await listener.say(topic(person), 'rubbish', { retain: true });
    for (const name of ['..', 'ada', 'A'.repeat(32), seal.nameOf('ada').slice(1)])
      await listener.say(`household/home/gallery/${name}`, 'rubbish');
    await listener.client.publishAsync(topic('ada'), Buffer.alloc(254 * 1024), { qos: 1 });
    await waitFor(() => warnings(kitchen).length > 1);
    await pause(800);
    t.match(warnings(hall), [/does not open with the key of this room: compare `roomkin household`/]);
    t.match(warnings(kitchen), [/does not open with the key of this room/, /is larger than the largest person/]);
    t.equal(warnings(kitchen).length, 2);
    t.strictSame([kitchen.names(), hall.names()], [['Ada'], ['Ben']]);
  },
);

t.test(
  'a broker that forbids publishing there causes a warning, and everything else continues',
  withMosquitto,
  async (t) => {
    await using broker = await startMosquitto({
      files: { acl: 'topic readwrite room/#\ntopic read household/#\n' },
      lines: ['allow_anonymous true', 'acl_file FOLDER/acl'],
    });
    await using kitchen = share(broker, 'kitchen');
    for (const name of ['Ada', 'Ben', 'Cleo']) enrolMadeUp(kitchen.room.store, name);
    const warnings = () => kitchen.lines.filter((line) => line.startsWith('warning') && line.includes('gallery'));
    await waitFor(() => warnings().length === 2);
    await pause(500);
    t.equal(warnings().length, 2, 'not one per person');
    t.match(warnings()[0], /refused a message for household\/home\/gallery/);
    t.strictSame(kitchen.names(), ['Ada', 'Ben', 'Cleo']);
  },
);

for (const protocol of [5, 4] as const)
  t.test(
    `MQTT ${protocol}: a room stays connected to a broker that disconnects at large messages`,
    withMosquitto,
    async (t) => {
      await using broker = await startMosquitto({ lines: ['allow_anonymous true', 'max_packet_size 20000'] });
      await using kitchen = share(broker, 'kitchen', { protocol });
      enrolMadeUp(kitchen.room.store, 'Ada', 30);
      await waitFor(() => kitchen.lines.some((line) => /largest message|was not sent: the limit is/.test(line)));
      const connects = (): number => kitchen.lines.filter((line) => /connected to the broker/.test(line)).length;
      const connectsBefore = connects();
      enrolMadeUp(kitchen.room.store, 'Ben', 2);
      kitchen.changed();
      await using hall = share(broker, 'hall', { protocol });
      await waitFor(knows(hall, 'Ben'), undefined, () => kitchen.lines.join('\n'));
      await pause(1_000);
      t.equal(connects(), connectsBefore);
    },
  );

t.test('without a key a room publishes and receives nothing about anybody', async (t) => {
  await using broker = await startBroker();
  await using listener = await listenTo(broker.url);
  await using kitchen = share(broker, 'kitchen');
  enrolMadeUp(kitchen.room.store, 'Ada', 3);
  kitchen.changed();
  const room = openRoom('hall');
  t.teardown(() => room.close());
  enrolMadeUp(room.store, 'Ben');
  const { log, all } = lines();
  await using publisher = roomPublisher(broker.url, { room: { id: 'hall', name: 'Hall' }, log });
  t.equal(
    shareGallery({
      config: { room: { id: 'hall', name: 'Hall' }, household: { id: 'home', keyFile: join(room.folder, 'none') } },
      key: null,
      store: room.store,
      journal: { forget() {} },
      publisher,
      onReceived() {},
      log: log as Log,
    }),
    null,
  );
  publisher.start();
  await waitFor(() => publisher.status().connected && listener.of(topic('ada')).length === 1);
  await pause(600);
  const gallery = listener.messages.filter((message) => message.topic.includes('/gallery/'));
  const ofKitchen = [
    topic('ada'),
    `household/home/gallery/${seal.nameOfRoom('kitchen')}`,
    'household/home/gallery/rooms',
  ];
  t.strictSame(gallery.map((message) => message.topic).sort(), ofKitchen.sort(), 'only the kitchen published');
  t.strictSame(
    room.store.people().map(({ name }) => name),
    ['Ben'],
  );
  t.notMatch(all.join(), /gallery/);
});

// SQLite waits for the lock without the event loop, so this test runs alone.
t.test(
  'a database that cannot be written causes a warning and a delay, and nothing old is published meanwhile',
  { buffered: false },
  async (t) => {
    await using broker = await startBroker();
    await using listener = await listenTo(broker.url);
    const folder = temporaryFolder();
    t.teardown(() => rmSync(folder, { recursive: true }));
    await using kitchen = share(broker, 'kitchen');
    enrolMadeUp(kitchen.room.store, 'Ada');
    {
      await using hall = share(broker, 'hall', { folder });
      await waitFor(knows(hall, 'Ada'));
    }
    kitchen.room.store.forget('ada');
    kitchen.changed();
    await waitFor(() => listener.of(topic('ada')).length === 2);

    await using hall = share(broker, 'hall', { folder });
    const other = new Database(join(folder, 'gallery.sqlite'));
    t.teardown(() => other.close());
    other.exec('BEGIN IMMEDIATE');
    await waitFor(() => hall.lines.some((line) => line.startsWith('warning')));
    const [warning] = hall.lines.filter((line) => line.startsWith('warning'));
    t.match(warning, /^warning: sharing the gallery waits for the disk: .*another process keeps it locked/);
    await pause(400);
    t.strictSame(hall.names(), ['Ada']);
    t.equal(listener.of(topic('ada')).length, 2);
    other.exec('ROLLBACK');
    await waitFor(knows(hall));
    await pause(400);
    t.equal(listener.of(topic('ada')).length, 2, 'the old version of her was not published again');
  },
);

t.test('a new room does not take an old message that the broker repeats while another room is online', async (t) => {
  await using broker = await startBroker();
  await using listener = await listenTo(broker.url);
  const heard: Buffer[] = [];
  listener.client.on('message', (topicName, payload) => {
    if (topicName === topic('ada')) heard.push(payload);
  });
  await using kitchen = share(broker, 'kitchen');
  enrolMadeUp(kitchen.room.store, 'Ada', 3);
  enrolMadeUp(kitchen.room.store, 'Ben', 2);
  kitchen.changed();
  await waitFor(() => heard.length === 1);
  kitchen.room.store.forget('ada');
  kitchen.changed();
  await waitFor(() => heard.length === 2);
  // The broker holds the old message for each new connection only, so the kitchen cannot repair it.
  const seen: string[][] = [];
  const people = openRoom('attic');
  t.teardown(() => people.close());
  const { log, all } = lines();
  await using publisher = roomPublisher(broker.url, {
    room: { id: 'attic', name: 'Attic' },
    household: { id: 'home', shares: true },
    homeAssistant: { discovery: false },
    log,
  });
  const { onShared } = publisher;
  using sharing = createGallerySharing({
    people: people.people,
    household: seal,
    room: 'attic',
    publisher: {
      ...publisher,
      onShared: (shared) =>
        onShared({
          ...shared,
          message: (name, sealed) => shared.message(name, name === seal.nameOf('ada') ? heard[0]! : sealed),
        }),
    },
    log,
    listenMs: patientMs,
    onReceived: () => seen.push(people.store.people().map(({ name }) => name)),
  });
  publisher.start();
  await waitFor(
    () => people.store.people().length === 1,
    undefined,
    () => all.join('\n'),
  );
  await pause(600);
  sharing.changed();
  t.notOk(seen.flat().includes('Ada'), 'not even for a moment');
  t.strictSame(
    people.store.people().map(({ name }) => name),
    ['Ben'],
  );
  t.equal([...people.people.versions().values()].filter(({ stamp }) => stamp.forgotten).length, 1);
  t.notMatch(all.join('\n'), /no other room answered/);
});

t.test('a new room without another room takes what the broker holds, and says so', async (t) => {
  await using broker = await startBroker();
  {
    await using kitchen = share(broker, 'kitchen');
    enrolMadeUp(kitchen.room.store, 'Ada', 3);
    kitchen.changed();
    await using listener = await listenTo(broker.url);
    await waitFor(() => listener.of(topic('ada')).length === 1);
  }
  await using attic = share(broker, 'attic');
  await waitFor(knows(attic, 'Ada'));
  t.equal(attic.lines.filter((line) => /no other room answered: 1 people are taken/.test(line)).length, 1);
  await using kitchen = share(broker, 'kitchen');
  await using hall = share(broker, 'hall', { listenMs: patientMs });
  await waitFor(knows(hall, 'Ada'));
  await pause(300);
  t.notOk(hall.lines.some((line) => /no other room answered/.test(line)));
  t.strictSame(kitchen.names(), ['Ada']);
});
