import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import t from 'tap';
import { enrolMadeUp, openTestStore, space, temporaryFolder } from '../sharing/household.js';

const childPath = fileURLToPath(new URL('./enrol-forever.js', import.meta.url));

/** Starts a child process that enrols people. `lines` returns what it has printed so far. */
function startEnrolling(directory: string, prefix: string): { child: ChildProcess; lines: () => string[] } {
  const child = spawn(process.execPath, [childPath, directory, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return { child, lines: () => text.split('\n').slice(0, -1) };
}

async function until(condition: () => boolean, timeoutMs = 120_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition was not met in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function killHard(child: ChildProcess): Promise<void> {
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}

/** A start of three processes takes about a second of CPU time. */
const rounds = Number(process.env['ROOMKIN_STARTS'] ?? 1);
/** How often an enrolling process is killed; 90 are about 1,000 enrolments. */
const kills = Number(process.env['ROOMKIN_KILLS'] ?? 5);

t.setTimeout(90_000 + 30_000 * kills);

t.test('if enrolment is killed at any moment, every person is stored completely or not at all', async (t) => {
  let directory = '';
  let printed = new Set<string>();
  let acknowledged = 0;
  for (let round = 0; round < kills; round += 1) {
    // Another gallery now and then: the time of a change grows with the number of people, and 1,000 are far more than a household.
    if (round % 10 === 0) {
      const folder = temporaryFolder();
      t.teardown(() => rmSync(folder, { recursive: true }));
      directory = folder;
      printed = new Set();
    }
    const { child, lines } = startEnrolling(directory, `r${round}x`);
    await until(() => lines().length > 3 + (round % 20), 120_000);
    await new Promise((resolve) => setTimeout(resolve, (round % 20) * 3));
    await killHard(child);
    for (const line of lines().slice(1)) printed.add(line);
    acknowledged += lines().length - 1;

    const database = new Database(join(directory, 'gallery.sqlite'));
    t.equal(database.pragma('integrity_check', { simple: true }), 'ok');
    t.same(database.pragma('foreign_key_check'), []);
    database.close();
    const damage: string[] = [];
    using store = openTestStore(directory, { onDamage: (line) => damage.push(line) });
    const { people } = store.gallery(space);
    t.same(damage, []);
    t.same(
      people.filter(({ templates }) => templates.length !== 20),
      [],
      'no person is incomplete',
    );
    const ids = new Set(people.map(({ id }) => id));
    t.same(
      [...printed].filter((id) => !ids.has(id)),
      [],
      'every printed person is stored',
    );
  }
  t.comment(`${acknowledged} acknowledged enrolments, ${kills} kills`);
});

t.test('two processes enrol at the same time while a third reads', async (t) => {
  const directory = temporaryFolder();
  t.teardown(() => rmSync(directory, { recursive: true }));
  const children = ['a', 'b'].map((prefix) => startEnrolling(directory, prefix));
  t.teardown(() => Promise.all(children.map(({ child }) => killHard(child))));
  await until(() => children.every(({ lines }) => lines().length > 0));
  using reader = openTestStore(directory);
  const versions = new Set<number>();
  await until(() => {
    versions.add(reader.version);
    const { people } = reader.gallery(space);
    if (people.some(({ templates }) => templates.length !== 20)) throw new Error('an incomplete person was read');
    return children.every(({ lines }) => lines().length > 12);
  });
  t.ok(versions.size > 5, 'the reader saw the changes');
  t.equal(enrolMadeUp(reader, 'Ada'), 'ada', 'the reader can also write');
  // Whether the log could be cut as well depends on what the writers do at that moment.
  t.type(reader.forget('ada'), 'boolean');
  t.notOk(reader.people().some(({ id }) => id === 'ada'));
});

t.test('processes that start at the same time use one key', async (t) => {
  for (let round = 0; round < rounds; round += 1) {
    const directory = temporaryFolder();
    t.teardown(() => rmSync(directory, { recursive: true }));
    const children = ['a', 'b', 'c'].map((prefix) => startEnrolling(directory, prefix));
    await until(() => children.every(({ lines }) => lines().length > 1));
    await Promise.all(children.map(({ child }) => killHard(child)));
    const damage: string[] = [];
    using store = openTestStore(directory, { onDamage: (line) => damage.push(line) });
    t.ok(store.gallery(space).people.length >= 3);
    t.same(damage, []);
  }
});
