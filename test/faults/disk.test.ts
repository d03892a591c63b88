// A disk that is full or read-only: the daemon starts, recognises and publishes, and the privacy switch never fails open.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startAedes } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js';
import { type FaultyRoom, faultyRoom, notQuick, until, untilAda } from './room.js';

t.setTimeout(240_000);

const reasons = { full: /the disk is full: free some space/, 'read-only': /the disk is read-only/ };

/** The daemon runs on a disk that it cannot write and that had to be copied to be read. */
async function worksFromCopy(t: Test, room: FaultyRoom, fault: keyof typeof reasons) {
  await untilAda(room);
  const problem = (await room.status()).problems.find(({ part }) => part === 'gallery');
  t.match(problem, { problem: reasons[fault] });
  await until('the problem in health', () => (reasons[fault].test(room.last('health') ?? '') ? true : undefined));
  t.match(await room.verb('rename', 'Ada', 'Eve'), { code: 74, stderr: reasons[fault] });
  t.match(await room.verb('people'), { code: 0, stdout: /Ada/ });
  const { checks } = JSON.parse((await room.verb('check', '--json')).stdout);
  t.match(
    checks.filter(({ check, found }: { check: string; found: string }) => check === 'gallery' || found === 'gallery'),
    [
      { check: 'problem', state: 'warn', found: 'gallery', advice: reasons[fault] },
      { check: 'gallery', state: 'fail', advice: reasons[fault] },
    ],
  );
}

async function worksAgain(t: Test, room: FaultyRoom) {
  await until('the disk to be used again', async () =>
    (await room.status().catch(() => null))?.problems.length === 0 ? true : undefined,
  );
  await untilAda(room);
  t.equal((await room.verb('rename', 'Ada', 'Eve')).code, 0);
  await until('the new name', () => (room.people()?.includes('Eve') ? true : undefined));
  t.equal(await room.stop(), 0);
  t.notMatch(room.log(), /INTERNAL|at file:/);
}

t.test('the disk becomes full while the daemon runs', { skip: noSmallDisk }, async (t) => {
  const folder = shortFolder(t);
  using disk = mountSmallDisk(folder, 4096);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker, disk.path);
  await room.start();
  await untilAda(room);
  disk.fill();

  // What used to end the daemon: a setting, Home Assistant's birth message, a new connection, the privacy switch.
  await room.listener.say('room/lab/leave_after/set', '7');
  await until('the leaving time', () => (room.last('leave_after') === '7' ? true : undefined));
  await room.listener.say('homeassistant/status', 'online');
  await broker.stop();
  await broker.start();
  await until('the problem in status', async () =>
    (await room.status()).problems.find(({ part, problem }) => part === 'settings' && reasons.full.test(problem)),
  );
  t.match(room.log(), /warning: settings: .*the disk is full/);
  await using listener = await room.listenAgain();
  await until('the connection', () => (listener.of('room/lab/recognition').at(-1) === 'ON' ? true : undefined));
  await wait(500); // for its subscriptions
  await listener.say('room/lab/recognition/set', 'OFF');
  const [, offMs] = await until('OFF', () => (listener.of('room/lab/recognition').at(-1) === 'OFF' ? true : undefined));
  t.comment(`off acknowledged after ${Math.round(offMs)} ms`);
  t.ok(room.alive());

  // A restart, however it comes, finds recognition off.
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await room.stop(signal);
    await room.start();
    t.match(await room.status(), { recognition: 'off', camera: { state: 'paused' } }, `off after ${signal}`);
  }
  t.equal((await room.verb('resume')).code, 0);
  await until('Ada', () => (listener.of('room/lab/state').at(-1)?.includes('"Ada"') ? true : undefined));
  t.equal(await room.stop(), 0);
});

for (const fault of ['full', 'read-only'] as const)
  t.test(`a start on a ${fault} disk`, { skip: notQuick || noSmallDisk }, async (t) => {
    const folder = shortFolder(t);
    using disk = mountSmallDisk(folder, 4096);
    await using broker = await startAedes();
    await using room = await faultyRoom(folder, broker, disk.path);
    if (fault === 'full') disk.fill();
    else disk.readOnly(true);
    await room.start();
    await worksFromCopy(t, room, fault);
    t.equal((await room.verb('pause')).code, 0);
    await room.stop();
    await room.start();
    t.match(await room.status(), { recognition: 'off' }, 'off after the restart');
    t.equal((await room.verb('resume')).code, 0);
    await untilAda(room);
    if (fault === 'full') disk.free();
    else disk.readOnly(false);
    await worksAgain(t, room);
  });

t.test(
  'off survives a service restart where neither the disk nor the broker could take it',
  { skip: noSmallDisk },
  async (t) => {
    const folder = shortFolder(t);
    using disk = mountSmallDisk(folder, 4096);
    await using broker = await startAedes();
    await using room = await faultyRoom(folder, broker, disk.path);
    await room.start();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await until('on', async () => ((await room.status()).recognition === 'on' ? true : undefined));
      await room.stop();
      disk.readOnly(true);
      await room.start();
      await until('the "on" of the broker', async () =>
        (await room.status()).recognition === 'on' ? true : undefined,
      );
      await broker.stop();
      t.equal((await room.verb('pause')).code, 0);
      await room.stop(signal);
      disk.readOnly(false);
      await room.start();
      await wait(4000); // longer than a start waits for the broker
      t.match(await room.status(), { recognition: 'off', camera: { state: 'paused' } }, `off after ${signal}`);
      // The memory that survived is on the disk now, too.
      t.match(readFileSync(join(disk.path, 'recognition'), 'utf8'), /^off/);
      await broker.start();
      t.equal((await room.verb('resume')).code, 0);
    }
    await until('on again', async () => ((await room.status()).recognition === 'on' ? true : undefined));
    t.equal(await room.stop(), 0);
  },
);
