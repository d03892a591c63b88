// A running daemon forgets: no file, retained topic or later log line has the person. And a log without names.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { retainedAt, startAedes } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { faultyRoom, until, untilAda } from './room.js';

const rounds = Math.min(1000, Number(process.env['ROOMKIN_RUNS'] ?? 2));
t.setTimeout(600_000 + 60_000 * rounds);

const filesWith = (directory: string, pattern: RegExp): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(readFileSync(join(entry.parentPath, entry.name), 'latin1')))
    .map(({ name }) => name);

for (const namesInLog of [true, false])
  t.test(`a daemon forgets, names_in_log = ${namesInLog}`, async (t) => {
    const folder = shortFolder(t);
    await using broker = await startAedes();
    await using room = await faultyRoom(folder, broker, undefined, {
      more: `names_in_log = ${namesInLog}\n[home_assistant]\ntrackers = true`,
    });
    t.equal((await room.verb('rename', 'Ada', 'Wilhelmina')).code, 0);
    t.equal((await room.verb('forget', 'Wilhelmina', '--yes')).code, 0, 'the id of the pictures is ada');
    t.strictSame(filesWith(room.store, /wilhelmina|\bada\b/i), []);
    await room.start();
    for (let round = 0; round < rounds; round++) {
      t.equal((await room.verb('enrol', 'Ada', '--photos', join(folder, 'portrait.jpg'))).code, 0);
      await untilAda(room);
      await until('the entity', async () =>
        Object.keys(await retainedAt(broker.url)).some((topic) => /ada/.test(topic)) ||
        Object.values(await retainedAt(broker.url)).some((text) => /person_ada/.test(text))
          ? true
          : undefined,
      );
      t.ok((await room.status()).presence.people?.length, 'she is seen');
      const linesBefore = room.log().length;
      t.equal((await room.verb('forget', 'Ada', '--yes')).code, 0);
      await until('her leaving', () => (room.people()?.length === 0 ? true : undefined));
      await wait(1500); // for the announcement and its setting
      t.strictSame(filesWith(room.store, /\bada\b|person_ada/i), [], 'no file has her');
      for (const [topic, text] of Object.entries(await retainedAt(broker.url)))
        t.notMatch(`${topic} ${text}`, /\bada\b|person_ada/i, topic);
      t.notMatch(room.log().slice(linesBefore), /\bada\b/i, 'no later line has her');
      t.strictSame(
        JSON.parse((await room.verb('why', '--json', '--last', '200')).stdout).looks.filter((look: object) =>
          /\bada\b/i.test(JSON.stringify(look)),
        ),
        [],
      );
    }
    t.match(room.log(), namesInLog ? /notice: Ada arrived/ : /notice: somebody arrived/);
    if (!namesInLog) t.notMatch(room.log(), /\bada\b/i);
    t.equal(await room.stop(), 0);
    t.strictSame(filesWith(room.store, /\bada\b|person_ada/i), [], 'nor after the end');
  });
