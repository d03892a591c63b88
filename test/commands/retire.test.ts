// roomkin retire: the broker retains nothing of a room that was taken out, and everything of the others.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { loadConfig } from '../../src/config/load.js';
import { createPublisher } from '../../src/mqtt/publisher.js';
import { openStore } from '../../src/store/gallery-store.js';
import { listenTo, retainedAt, startMosquitto, waitFor, withoutMosquitto } from '../helpers/brokers.js';
import { runVerb } from '../helpers/cli.js';

t.test('the retained messages of the room go, those of other rooms stay', { skip: withoutMosquitto }, async (t) => {
  await using broker = await startMosquitto();
  const folder = t.testdir({});
  const path = join(folder, 'config.toml');
  const store = join(folder, 'store');
  writeFileSync(path, `[room]\nid = "kitchen"\n[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${store}"\n`);
  const config = loadConfig(path);
  await using other = await listenTo(broker.url);
  await other.say('room/attic/state', '{}', { retain: true });
  // An earlier id of the room, whose device was never removed.
  await other.say('homeassistant/device/roomkin/pantry/config', '{"old":true}', { retain: true });
  await other.say('room/pantry/state', '{}', { retain: true });
  const pantry = {
    topic: 'homeassistant/device/roomkin/pantry/config',
    components: { x: 'sensor' },
    retained: ['room/pantry/state'],
  };
  {
    using gallery = openStore(config.store);
    gallery.setSetting('announced', JSON.stringify([pantry]));
  }
  {
    await using publisher = createPublisher(
      {
        ...config,
        household: { id: 'home', shares: false },
        version: '1',
        board: { model: null, serial: null },
        machine: { temperature: true, throttling: true },
      },
      systemClock,
      { get: () => null, set() {} },
    );
    publisher.recognition(true);
    publisher.leaveAfter(60);
    publisher.start();
    await waitFor(() => other.of('homeassistant/device/roomkin/kitchen/config').length > 0);
    await waitFor(() => publisher.status().connected);
  }
  // What the rooms of the household have written together goes with the last of them.
  const ofHousehold = [
    'household/home/person/ada',
    'household/home/state',
    'homeassistant/device/roomkin-household/home/config',
  ];
  for (const topic of ofHousehold) await other.say(topic, '{}', { retain: true });
  const before = Object.keys(await retainedAt(broker.url)).sort();
  t.ok(before.includes('room/kitchen/status') && before.includes('homeassistant/device/roomkin/kitchen/config'));
  const { code, stdout, stderr } = await runVerb(['retire', '--config', path, '--json']);
  t.equal(code, 0, stderr);
  t.match(JSON.parse(stdout), { room: 'kitchen' });
  t.same(Object.keys(await retainedAt(broker.url)), ['room/attic/state']);
  using gallery = openStore(config.store);
  t.equal(gallery.setting('announced'), '[]');
});

t.test('what other rooms of the household keep true stays', { skip: withoutMosquitto }, async (t) => {
  const path = join(t.testdir(), 'config.toml');
  await using broker = await startMosquitto();
  await using other = await listenTo(broker.url);
  writeFileSync(path, `[room]\nid = "kitchen"\n[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "/nowhere"\n`);
  for (const topic of ['room/attic', 'room/kitchen', 'person/ada', 'state'])
    await other.say(`household/home/${topic}`, '{}', { retain: true });
  const { code, stderr } = await runVerb(['retire', '--config', path]);
  t.equal(code, 0, stderr);
  t.same(Object.keys(await retainedAt(broker.url)).sort(), [
    'household/home/person/ada',
    'household/home/room/attic',
    'household/home/state',
  ]);
});

t.test('a broker that is away or refuses is an error that says what stays', { skip: withoutMosquitto }, async (t) => {
  const folder = t.testdir({ acl: 'topic read #\n' });
  const path = join(folder, 'config.toml');
  await using broker = await startMosquitto({ lines: ['allow_anonymous true', `acl_file ${join(folder, 'acl')}`] });
  writeFileSync(
    path,
    `[room]\nid = "kitchen"\n[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${join(folder, 'no')}"\n`,
  );
  const refused = await runVerb(['retire', '--config', path]);
  t.equal(refused.code, 69);
  t.match(refused.stderr, /BROKER: .*did not delete 7 messages.*ACL/);
  await broker.stop();
  const away = await runVerb(['retire', '--config', path]);
  t.equal(away.code, 69);
  t.match(away.stderr, /BROKER: .*nobody listens there.*messages of this room stay/);
});
