import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import t from 'tap';
import { lockDirectory } from '../../src/store/lock.js';
import { shortFolder } from '../helpers/short-folder.js';
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js';

const lockModule = new URL('../../src/store/lock.js', import.meta.url).href;
const holdLock = `import(process.argv[1]).then(({ lockDirectory }) => {
  globalThis.lock = lockDirectory(process.argv[2], 'kitchen');
  console.log('locked');
  setInterval(() => {}, 1000);
})`;

t.test('one daemon a directory, of whatever room, until its process has ended', async (t) => {
  const directory = shortFolder(t);
  const holder = spawn(process.execPath, ['-e', holdLock, '--', lockModule, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder.stdout!, 'data');
  const startMs = performance.now();
  t.throws(() => lockDirectory(directory, 'hall'), {
    code: 'DIRECTORY_IN_USE',
    message: new RegExp(
      `in use by the daemon of room kitchen \\(process ${holder.pid}\\): give room hall a \\[store\\] directory`,
    ),
  });
  t.ok(performance.now() - startMs < 5_000, 'at once, not after the time-out of SQLite');
  t.throws(() => lockDirectory(directory, 'kitchen'), { code: 'DAEMON_RUNNING', message: /stop it first/ });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const lock = lockDirectory(directory, 'hall');
  t.ok(lock);
  lock?.release();
  lockDirectory(directory, 'kitchen')?.release();
  t.strictSame(readdirSync(directory).sort(), ['daemon.lock', 'daemon.room']);
});

t.test('a full disk locks all the same; a read-only one runs without a lock', { skip: noSmallDisk }, async (t) => {
  using disk = mountSmallDisk(shortFolder(t), 64);
  lockDirectory(disk.path, 'kitchen')?.release();
  disk.fill();
  {
    using lock = lockDirectory(disk.path, 'kitchen')!;
    t.ok(lock);
  }
  disk.readOnly(true);
  t.doesNotThrow(() => lockDirectory(disk.path, 'kitchen')?.release());
});
