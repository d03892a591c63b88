// Errors that no part catches: the daemon logs them and goes on, and ends only when they do not stop.
import t from 'tap';
import { startAedes } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { faultyRoom, notQuick, until, untilAda } from './room.js';

t.setTimeout(120_000);

/** A module that is loaded before the daemon and throws where nobody catches. */
const thrower = (everyMs: number, count: number): string =>
  `--import=data:text/javascript,${encodeURIComponent(
    `if(process.argv.includes('run'))setTimeout(()=>{let n=0;const timer=setInterval(()=>{if(++n>=${count})clearInterval(timer);` +
      `if(n%2)throw new Error('unexpected '+n);Promise.reject(new Error('unexpected '+n))},${everyMs});timer.unref()},3000).unref()`,
  )}`;

t.test('a broken callback does not end the daemon', async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker, undefined, { nodeOptions: thrower(1500, 4) });
  await room.start();
  await until('four errors', () => (/unexpected 4 \(a bug: please report it\)/.test(room.log()) ? true : undefined));
  await untilAda(room);
  t.ok(room.alive());
  t.equal(await room.stop(), 0);
});

t.test('a daemon that meets nothing but such errors ends with 70', { skip: notQuick }, async (t) => {
  const folder = shortFolder(t);
  await using broker = await startAedes();
  await using room = await faultyRoom(folder, broker, undefined, { nodeOptions: thrower(100, 200) });
  await room.start().catch(() => {});
  await until('the end', () => (room.alive() ? undefined : true));
  t.equal(room.daemon.exitCode, 70);
  t.match(room.log(), /10 such errors within a minute: the daemon ends and is started again/);
});
