// A gallery that is damaged before or while the daemon runs: restored, and said everywhere until the next start.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { startAedes } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { faultyRoom, until, untilAda } from './room.js';

t.setTimeout(240_000);

t.test(
  'a damaged gallery is restored, and status, health, check and the log say so until the next start',
  async (t) => {
    const folder = shortFolder(t);
    await using broker = await startAedes();
    await using room = await faultyRoom(folder, broker);
    const path = join(room.store, 'gallery.sqlite');
    const restored = /the gallery was damaged and was restored from the snapshot of /;
    const said = async () => (await room.status()).problems.filter(({ problem }) => restored.test(problem)).length;

    writeFileSync(path, readFileSync(path).fill(0x5a, 8_000, 30_000));
    await room.start();
    await untilAda(room);
    t.equal(await said(), 1);
    t.match(room.log(), restored);
    await until('the problem in health', () => (restored.test(room.last('health') ?? '') ? true : undefined));
    t.match((await room.verb('check', '--json')).stdout, restored);
    t.equal(await room.stop(), 0);
    await room.start();
    t.equal(await said(), 0, 'the next start acknowledges it');
    await untilAda(room);

    // Behind the back of the running daemon.
    const database = new Database(path);
    database.exec("DELETE FROM template; UPDATE meta SET value = value + 1 WHERE key = 'gallery_version'");
    database.close();
    await until('the restored gallery', async () => ((await said().catch(() => 0)) === 1 ? true : undefined));
    t.match(room.log(), /what is stored about Ada in .* was altered/);
    t.ok(room.alive());
    await until('Ada again', async () => ((await room.status()).gallery.templates > 0 ? true : undefined));
    t.equal(await room.stop(), 0);
    t.notMatch(room.log(), /INTERNAL|at file:/);
  },
);

t.test('a damaged gallery without a snapshot is used, and its problem outlasts every successful read', async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker);
  rmSync(join(room.store, 'snapshots'), { recursive: true, force: true });
  const database = new Database(join(room.store, 'gallery.sqlite'));
  t.ok(database.prepare('UPDATE template SET created_at_ms = 1').run().changes > 0);
  database.close();

  const altered = /what is stored about Ada in .* was altered/;
  const reported = async () => (await room.status()).problems.filter(({ problem }) => altered.test(problem)).length;
  await room.start();
  await untilAda(room);
  t.equal(await reported(), 1);
  t.match((await room.verb('check', '--json')).stdout, altered);
  await until('the problem in health', () => (altered.test(room.last('health') ?? '') ? true : undefined));
  // A reading after the start, and a write.
  const reader = new Database(join(room.store, 'gallery.sqlite'));
  reader.exec("UPDATE meta SET value = value + 1 WHERE key = 'gallery_version'");
  reader.close();
  await until('a reading', () => (room.log().match(/the gallery was read/g)?.length === 2 ? true : undefined));
  await room.listener.say('room/lab/leave_after/set', '7');
  await until('the leaving time', () => (room.last('leave_after') === '7' ? true : undefined));
  t.equal(await reported(), 1);
  t.equal(await room.stop(), 0);
  t.notMatch(room.log(), /gallery: works again|INTERNAL|at file:/);
});
