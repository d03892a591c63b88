// Signals: a stop that is never lost, a reload that cannot break what runs, and no inspector.
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { startAedes } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { faultyRoom, notQuick, until, untilAda } from './room.js';

t.setTimeout(240_000);

t.test('SIGHUP reads the configuration again; a bad one keeps the old one and says so', async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker);
  await room.start();
  await untilAda(room);
  const good = readFileSync(room.config, 'utf8');
  const { pid } = await room.status();

  writeFileSync(room.config, good.replace('health_seconds', 'health_secs'));
  room.daemon.kill('SIGHUP');
  await until('the refusal', () =>
    /the configuration stays as it was: .*health_secs: unknown key/.test(room.log()) ? true : undefined,
  );
  t.ok(room.people()?.includes('Ada'));

  writeFileSync(room.config, good.replace('[store]', '[embedder]\nid = "nothing"\n[store]'));
  room.daemon.kill('SIGHUP');
  await until('the old one', () =>
    /the new configuration does not work, the old one is used/.test(room.log()) ? true : undefined,
  );
  await untilAda(room);

  writeFileSync(room.config, good.replace('id = "lab"', 'id = "lab"\nname = "Laboratory"'));
  room.daemon.kill('SIGHUP');
  await until('the new name', () =>
    (room.listener.of('homeassistant/device/roomkin/lab/config').at(-1) ?? '').includes('Laboratory')
      ? true
      : undefined,
  );
  await untilAda(room);
  t.equal((await room.status()).pid, pid, 'the same process');
  t.equal(await room.stop(), 0);
  t.notMatch(room.log(), /INTERNAL|at file:/);
});

t.test('SIGTERM at any moment of the start ends the daemon', { skip: notQuick }, async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker);
  for (const afterMs of [300, 600, 900, 1400]) {
    const started = room.start().catch(() => {});
    await wait(afterMs);
    const code = await room.stop();
    t.equal(code === 'SIGTERM' ? 0 : code, 0, `after ${afterMs} ms`);
    await started;
    t.notMatch(room.log(), /INTERNAL|at file:/);
  }
});

t.test('SIGTERM right after a switch of recognition is not lost', { skip: notQuick }, async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker);
  await room.start();
  await untilAda(room);
  await room.verb('pause');
  const resumed = room.verb('resume');
  const [code] = await Promise.all([room.stop(), resumed]);
  t.equal(code, 0);
});
