// A new key, and a room that leaves: what is left at a real broker, in the rooms and in what the user reads.
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  createHouseholdSeal,
  type HouseholdKey,
  joinedKey,
  parseKeyText,
  readHouseholdKey,
  writeHouseholdKey,
} from '../../src/sharing/key.js';
import { finishLeaving } from '../../src/sharing/leaving.js';
import { type Broker, listenTo, startMosquitto, waitFor, withoutMosquitto } from '../helpers/brokers.js';
import { runVerb } from '../helpers/cli.js';
import { lines, roomPublisher } from '../mqtt/room.js';
import { everyByte } from './house.js';
import { enrolMadeUp, openTestStore, temporaryFolder } from './household.js';
import { type Sharing, share } from './online.js';

t.setTimeout(180_000);

const withMosquitto = { skip: withoutMosquitto };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const startBroker = (): Promise<Broker> => startMosquitto({ persistence: true, lines: ['allow_anonymous true'] });
const knows =
  ({ names }: Sharing, ...people: string[]) =>
  (): boolean =>
    names().sort().join() === people.join();

/** A room's folder with a configuration for `roomkin`. */
function place(t: { teardown(work: () => void): void }, broker: Broker, id: string) {
  const folder = temporaryFolder();
  t.teardown(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'config.toml');
  writeFileSync(config, `[room]\nid = "${id}"\n[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${folder}"\n`);
  const keyFile = join(folder, 'household-key');
  const present = (): HouseholdKey => readHouseholdKey(keyFile)!;
  return {
    folder,
    keyFile,
    present,
    verb: (...words: string[]) => runVerb(['household', ...words, '--config', config]),
    start: () => share(broker, id, { folder, key: present() }),
  };
}

/** The retained messages of the gallery: how many there are, and how many of them open with `key`. */
async function atBroker(broker: Broker, key: HouseholdKey): Promise<{ all: number; open: number }> {
  await using listener = await listenTo(broker.url);
  const retained = new Map<string, Buffer>();
  listener.client.on('message', (topic, payload, { retain }) => {
    if (retain && topic.startsWith('household/home/gallery/') && payload.length > 0) retained.set(topic, payload);
  });
  await listener.client.subscribeAsync('household/home/gallery/+');
  await pause(400);
  const seal = createHouseholdSeal(key, 'home');
  const open = [...retained].filter(([topic, sealed]) => seal.open(topic.split('/').at(-1)!, sealed) !== null);
  return { all: retained.size, open: open.length };
}

t.test('a new key brings back nobody, and nothing of the old one is left at the broker', withMosquitto, async (t) => {
  await using broker = await startBroker();
  const [kitchen, hall, attic] = [
    place(t, broker, 'kitchen'),
    place(t, broker, 'hall'),
    place(t, broker, 'attic'),
  ] as const;
  t.equal((await kitchen.verb('--new')).code, 0);
  const first = kitchen.present();
  for (const room of [hall, attic]) writeHouseholdKey(room.keyFile, first);
  await using old = hall.start();
  {
    await using inKitchen = kitchen.start();
    await using inAttic = attic.start();
    for (const name of ['Ada', 'Ben', 'Wilhelmina']) enrolMadeUp(inKitchen.room.store, name);
    inKitchen.changed();
    for (const room of [old, inAttic]) await waitFor(knows(room, 'Ada', 'Ben', 'Wilhelmina'));
    await inAttic[Symbol.asyncDispose]();
    inKitchen.room.store.forget('wilhelmina');
    inKitchen.changed();
    await waitFor(knows(old, 'Ada', 'Ben'));
    await pause(300);
  }
  t.strictSame(await atBroker(broker, first), { all: 6, open: 6 }, 'three people and three rooms');

  const rotated = await kitchen.verb('--rotate');
  t.equal(rotated.code, 0, rotated.stderr);
  const second = kitchen.present();
  const [word = ''] = /^ {2}[\w-]{70}$/m.exec(rotated.stdout) ?? [];
  t.same(parseKeyText(word)?.secret, second.secret);
  t.match(rotated.stdout, /^These rooms had the old key: attic, hall$/m);
  t.match(rotated.stdout, /^At the broker: 3 messages under the new key, 6 of the old key deleted\.$/m);
  for (const line of rotated.stdout.split('\n')) t.ok(line.length <= 80, line);
  t.ok(
    old.lines.some((line) => /^warning: the household has a new key/.test(line)),
    old.lines.join('\n'),
  );
  enrolMadeUp(old.room.store, 'Cleo');
  old.changed();
  await pause(600);
  t.strictSame(await atBroker(broker, first), { all: 4, open: 0 }, 'the hall with the old key publishes nothing');

  // The attic was off. It still has everybody, and starts with the old key before it gets the new one.
  {
    await using inKitchen = kitchen.start();
    await using inAttic = attic.start();
    t.strictSame(inAttic.names().sort(), ['Ada', 'Ben', 'Wilhelmina']);
    await waitFor(() => inAttic.lines.some((line) => /the household has a new key/.test(line)));
    await pause(600);
    t.strictSame(await atBroker(broker, first), { all: 4, open: 0 });
    t.strictSame(inKitchen.names(), ['Ada', 'Ben']);
  }
  await old[Symbol.asyncDispose]();
  writeFileSync(join(attic.folder, 'word'), word);
  for (const room of [attic, hall]) {
    const joined = await room.verb('--join', '--from', join(attic.folder, 'word'));
    t.equal(joined.code, 0, joined.stderr);
  }
  await using inAttic = attic.start();
  await waitFor(knows(inAttic, 'Ada', 'Ben'));
  t.notMatch(everyByte(attic.folder).toString('latin1').toLowerCase(), 'wilhelmina');
  await using inHall = hall.start();
  await waitFor(knows(inAttic, 'Ada', 'Ben', 'Cleo'));
  await using inKitchen = kitchen.start();
  await waitFor(knows(inKitchen, 'Ada', 'Ben', 'Cleo'));
  t.strictSame(inHall.names().sort(), ['Ada', 'Ben', 'Cleo']);
  t.strictSame(await atBroker(broker, second), { all: 7, open: 7 });
});

t.test('a new key made without the broker is published at the next connection', withMosquitto, async (t) => {
  await using broker = await startBroker();
  const [kitchen, hall] = [place(t, broker, 'kitchen'), place(t, broker, 'hall')] as const;
  await kitchen.verb('--new');
  const first = kitchen.present();
  writeHouseholdKey(hall.keyFile, first);
  {
    await using inKitchen = kitchen.start();
    await using inHall = hall.start();
    enrolMadeUp(inHall.room.store, 'Ada');
    inHall.changed();
    await waitFor(knows(inKitchen, 'Ada'));
    await inKitchen[Symbol.asyncDispose]();
    // What the kitchen has not read before it makes a new key is not lost.
    enrolMadeUp(inHall.room.store, 'Ben');
    inHall.room.store.forget('ada');
    inHall.changed();
    await pause(600);
  }
  await broker.stop();
  const rotated = await kitchen.verb('--rotate');
  t.equal(rotated.code, 0, rotated.stderr);
  t.match(
    rotated.stdout,
    /^The broker 127\.0\.0\.1:\d+ cannot\s+be\s+reached\s+\([^)]*\):\s+the\s+daemon\s+publishes\s+under\s+the\s+new\s+key/m,
  );
  await broker.start();
  t.ok((await atBroker(broker, first)).open > 0);
  await using inKitchen = kitchen.start();
  await waitFor(knows(inKitchen, 'Ben'));
  await waitFor(() => inKitchen.lines.some((line) => /old household key were deleted/.test(line)));
  t.strictSame(await atBroker(broker, kitchen.present()), { all: 3, open: 3 });
  const old = createHouseholdSeal(first, 'home');
  await using listener = await listenTo(broker.url);
  const forged = old.seal(old.nameOf('ben'), Buffer.from('{}'));
  await listener.client.publishAsync(`household/home/gallery/${old.nameOf('ben')}`, forged, { qos: 1, retain: true });
  await pause(600);
  t.strictSame(await atBroker(broker, first), { all: 3, open: 0 }, 'what the old key brings later is deleted unread');
  t.strictSame(inKitchen.names(), ['Ben']);
  const joined = joinedKey(first, parseKeyText(/^ {2}([\w-]{70})$/m.exec(rotated.stdout)![1]!)!);
  writeHouseholdKey(hall.keyFile, joined);
  await using inHall = hall.start();
  await pause(600);
  t.strictSame(inHall.names(), ['Ben']);
});

t.test('a room that leaves deletes what nobody needs any more', withMosquitto, async (t) => {
  await using broker = await startBroker();
  const [kitchen, hall] = [place(t, broker, 'kitchen'), place(t, broker, 'hall')] as const;
  await kitchen.verb('--new');
  const key = kitchen.present();
  writeHouseholdKey(hall.keyFile, key);
  {
    await using inKitchen = kitchen.start();
    await using inHall = hall.start();
    for (const name of ['Ada', 'Ben']) enrolMadeUp(inKitchen.room.store, name);
    inKitchen.changed();
    await waitFor(knows(inHall, 'Ada', 'Ben'));
    await inHall[Symbol.asyncDispose]();
    await pause(300);
    inKitchen.room.store.forget('ben');
  }
  t.strictSame(await atBroker(broker, key), { all: 4, open: 4 });
  const left = await kitchen.verb('--leave');
  t.equal(left.code, 0, left.stderr);
  t.match(left.stdout, /^At the broker: the people at the broker stay for hall\.$/m);
  t.strictSame(await atBroker(broker, key), { all: 3, open: 3 }, 'all but the message of the kitchen');
  t.notOk(existsSync(kitchen.keyFile) || existsSync(`${kitchen.keyFile}.left`));
  {
    using store = openTestStore(kitchen.folder);
    t.equal(store.people().length, 1);
    await using inHall = hall.start();
    await waitFor(knows(inHall, 'Ada'));
    t.pass('whom the kitchen forgot before it left is forgotten');
    await pause(300);
  }

  // The last room, while the broker is away.
  await broker.stop();
  const last = await hall.verb('--leave');
  t.equal(last.code, 0, last.stderr);
  t.match(
    last.stdout,
    /^The broker .* cannot\s+be\s+reached\s+\([^)]*\):\s+the\s+daemon\s+deletes\s+the\s+messages\s+of\s+this\s+room/m,
  );
  t.notOk(existsSync(hall.keyFile));
  await broker.start();
  const { log, all } = lines();
  const room = { id: 'hall', name: 'Hall' };
  await using publisher = roomPublisher(broker.url, { room, household: { id: 'home', shares: true }, log });
  using _leaving = finishLeaving({ room, household: { id: 'home', keyFile: hall.keyFile } }, publisher, log);
  publisher.start();
  await waitFor(() =>
    all.some((line) => /this room left household home: no other room shares, so 3 messages/.test(line)),
  );
  t.strictSame(await atBroker(broker, key), { all: 0, open: 0 });
  t.notOk(existsSync(`${hall.keyFile}.left`));
});
