import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { createProblems } from '../../src/base/problems.js';
import { createPrivacySwitch } from '../../src/room/privacy-switch.js';
import { createPositionFile, type PositionFile, positionFileName } from '../../src/store/position-file.js';
import { shortFolder } from '../helpers/short-folder.js';
import { mountSmallDisk, noSmallDisk } from '../helpers/small-disk.js';

/** One start of the daemon with the file in `directory`. */
function start(directory: string, file: PositionFile = createPositionFile(directory), brokerWithinMs = 60_000) {
  const problems = createProblems(systemClock, silentLog);
  const applied: boolean[] = [];
  const privacy = createPrivacySwitch({
    file,
    problems,
    log: silentLog,
    brokerWithinMs,
    async apply(on) {
      applied.push(on);
    },
  });
  return { privacy, problems, applied };
}

const text = (directory: string) => readFileSync(join(directory, positionFileName), 'utf8');

t.test('a first start is on as soon as the broker answers, or after the time for its answer', async (t) => {
  const directory = shortFolder(t);
  const first = start(directory);
  t.equal(first.privacy.on, false);
  t.match(first.privacy.waiting, /when the broker has confirmed/);
  first.privacy.brokerHad(null);
  await first.privacy.settled();
  t.strictSame([first.privacy.on, first.privacy.waiting, first.applied], [true, null, [true]]);
  first.privacy[Symbol.dispose]();

  const { privacy } = start(directory, undefined, 10);
  while (!privacy.on) await wait(5);
  t.equal(privacy.on, true, 'without a broker the disk decides');
  privacy[Symbol.dispose]();
});

t.test('off takes effect before it is written, and is off after a restart without a broker', async (t) => {
  const directory = shortFolder(t);
  const real = createPositionFile(directory);
  const order: string[] = [];
  const problems = createProblems(systemClock, silentLog);
  using privacy = createPrivacySwitch({
    file: {
      read: real.read,
      write(stored) {
        order.push(`written ${stored.position}`);
        return real.write(stored);
      },
    },
    problems,
    log: silentLog,
    async apply(on) {
      order.push(`applied ${on}`);
    },
  });
  privacy.brokerHad('on');
  await privacy.settled();
  await privacy.set(false);
  t.strictSame(
    order,
    ['written on', 'applied true', 'written off', 'applied false'].sort((a, b) => order.indexOf(a) - order.indexOf(b)),
  );
  t.equal(privacy.on, false);
  using next = start(directory, undefined, 10).privacy;
  await wait(30);
  t.equal(next.on, false);
  await next.set(true);
  t.equal(next.on, true);
});

t.test('a disk that cannot be written never stops the switch, and the next start is off', async (t) => {
  const directory = shortFolder(t);
  const real = createPositionFile(directory);
  await real.write({ position: 'on', published: 'on' });
  let works = true;
  const file: PositionFile = {
    read: real.read,
    async write(stored) {
      if (!works) throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' });
      await real.write(stored);
    },
  };
  const first = start(directory, file);
  first.privacy.brokerHad('on');
  works = false;
  await first.privacy.set(false);
  t.equal(first.privacy.on, false);
  t.match(first.problems.list, [{ part: 'privacy switch', sentence: /cannot be written.*make the disk writable/ }]);
  first.privacy[Symbol.dispose]();

  const blind = start(directory, file, 10);
  await wait(30);
  t.equal(blind.privacy.on, false, 'the disk says on, but it may be outdated: off until the broker speaks');
  t.match(blind.privacy.waiting, /roomkin resume/);
  blind.privacy.brokerHad('off');
  t.equal(blind.privacy.on, false);
  t.equal(blind.privacy.waiting, null);
  blind.privacy[Symbol.dispose]();

  const resumed = start(directory, file, 10);
  await resumed.privacy.set(true);
  t.equal(resumed.privacy.on, true, 'the user decides');
  works = true;
  await wait(1300);
  t.strictSame(resumed.problems.list, [], 'written when the disk works again');
  resumed.privacy[Symbol.dispose]();
});

t.test('the retained position of the broker decides what the disk cannot know', async (t) => {
  const cases = [
    // position and published on disk, retained at the broker, result
    ['on ', 'on ', 'off', false, 'the last off was not written'],
    ['on ', 'off', 'off', true, 'the broker did not hear of the newer on'],
    ['on ', '-  ', 'off', false, 'unknown what the broker heard: off'],
    ['on ', 'on ', 'on', true, 'both agree'],
    ['off', 'on ', 'on', false, 'the broker did not hear of the newer off'],
    ['off', 'off', null, false, 'the broker lost its memory'],
    ['on ', 'on ', null, true, 'the broker lost its memory'],
  ] as const;
  for (const [position, published, retained, on, why] of cases) {
    const directory = shortFolder(t);
    writeFileSync(join(directory, positionFileName), `${position} ${published}\n`);
    const { privacy } = start(directory);
    privacy.brokerHad(retained);
    await privacy.settled();
    t.equal(privacy.on, on, why);
    privacy[Symbol.dispose]();
    t.equal(text(directory).slice(0, 3), on ? 'on ' : 'off');
  }
});

t.test('a broker that comes late with an off still switches off, unless the user has decided since', async (t) => {
  const directory = shortFolder(t);
  writeFileSync(join(directory, positionFileName), 'on  on \n');
  const late = start(directory, undefined, 5);
  while (!late.privacy.on) await wait(5);
  t.equal(late.privacy.on, true);
  late.privacy.brokerHad('off');
  await late.privacy.settled();
  t.strictSame([late.privacy.on, late.applied], [false, [true, false]]);
  late.privacy[Symbol.dispose]();

  const decided = start(directory, undefined, 5);
  await decided.privacy.set(true);
  decided.privacy.brokerHad('off');
  t.equal(decided.privacy.on, true);
  decided.privacy[Symbol.dispose]();
});

t.test('a damaged or unreadable position is off', async (t) => {
  for (const damaged of ['', 'o', 'on', 'yes -  \n', '\0\0\0\0\0\0\0\0']) {
    const directory = shortFolder(t);
    writeFileSync(join(directory, positionFileName), damaged);
    t.strictSame(createPositionFile(directory).read(), { position: 'off', published: null });
  }
});

t.test('a full disk takes a new position, since the file is overwritten in place', { skip: noSmallDisk }, async (t) => {
  using disk = mountSmallDisk(shortFolder(t));
  const file = createPositionFile(disk.path);
  await file.write({ position: 'on', published: 'on' });
  disk.fill();
  await file.write({ position: 'off', published: 'on' });
  t.strictSame(file.read(), { position: 'off', published: 'on' });
  disk.readOnly(true);
  await t.rejects(file.write({ position: 'on', published: 'on' }), { code: 'EROFS' });
  t.strictSame(file.read(), { position: 'off', published: 'on' });
});

t.test(
  'a first position that a full disk does not take leaves no file that says off',
  { skip: noSmallDisk },
  async (t) => {
    using disk = mountSmallDisk(shortFolder(t), 64);
    disk.fill();
    const file = createPositionFile(disk.path);
    await t.rejects(file.write({ position: 'on', published: null }), { code: 'ENOSPC' });
    t.equal(file.read(), null);
  },
);

t.test(
  'the copy in the runtime directory keeps an off that the disk did not take',
  { skip: noSmallDisk },
  async (t) => {
    const folder = shortFolder(t);
    using disk = mountSmallDisk(folder);
    const copy = join(folder, 'lab.recognition');
    const file = createPositionFile(disk.path, copy);
    await file.write({ position: 'on', published: 'on' });
    disk.readOnly(true);
    await t.rejects(file.write({ position: 'off', published: 'on' }), { code: 'EROFS' });
    t.strictSame(file.read(), { position: 'off', published: 'on' });
    disk.readOnly(false);
    using privacy = start(disk.path, createPositionFile(disk.path, copy), 10).privacy;
    await wait(30);
    t.equal(privacy.on, false);
    t.equal(text(disk.path), 'off on \n', 'now on disk, too');
  },
);

t.test('either file that says off counts, and a copy that cannot be written does not stop the switch', async (t) => {
  const [directory, runtime] = [shortFolder(t), shortFolder(t)];
  const copy = join(runtime, 'lab.recognition');
  const file = createPositionFile(directory, copy);
  for (const [stored, copied, read] of [
    ['on  on ', 'off on ', { position: 'off', published: 'on' }],
    ['off on ', 'on  on ', { position: 'off', published: 'on' }],
    ['on  off', 'on  on ', { position: 'on', published: null }],
    ['on  off', 'on  off', { position: 'on', published: 'off' }],
  ] as const) {
    writeFileSync(join(directory, positionFileName), `${stored}\n`);
    writeFileSync(copy, `${copied}\n`);
    t.strictSame(file.read(), read);
  }
  const nowhere = createPositionFile(directory, join(runtime, 'missing', 'lab.recognition'));
  await nowhere.write({ position: 'off', published: null });
  t.equal(text(directory), 'off -  \n');
  t.strictSame(nowhere.read(), { position: 'off', published: null });
});
