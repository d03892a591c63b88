// A still room and a broker that comes and goes write nothing to the card, as the kernel counts it.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import { startAedes } from '../helpers/brokers.js';
import { shortFolder } from '../helpers/short-folder.js';
import { faultyRoom, until } from './room.js';

const watchedMs = Number(process.env['ROOMKIN_STILL_SECONDS'] ?? 20) * 1000;
t.setTimeout(240_000 + watchedMs);

t.test(
  'a still room writes nothing, nor does a broker that comes back',
  { skip: existsSync('/proc/self/io') ? false : 'needs /proc/PID/io' },
  async (t) => {
    const folder = shortFolder(t);
    const still = join(folder, 'still');
    mkdirSync(still);
    const grey = { width: 384, height: 256, channels: 3, background: '#8a8f80' } as const;
    await sharp({ create: grey }).jpeg().toFile(join(still, 'room.jpg'));
    await using broker = await startAedes();
    const camera = `source = "replay"\ninput = "${still}"\nloop = true\nwidth = 384\nheight = 256\nframerate = 5`;
    await using room = await faultyRoom(folder, broker);
    room.writeConfig({ camera });
    await room.start();
    await until('an empty room', () => (room.people()?.length === 0 ? true : undefined));
    await wait(3000); // the start writes: the announcement, the lock, a snapshot
    const figure = (name: string): number =>
      Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(readFileSync(`/proc/${room.daemon.pid}/io`, 'utf8'))?.[1]);
    const before = figure('write_bytes');
    const { processed } = (await room.status()).frames;
    await wait(watchedMs);
    t.ok((await room.status()).frames.processed > processed, 'the camera gave frames');
    t.equal(figure('write_bytes') - before, 0, `bytes in ${watchedMs / 1000} s of a still room`);
    for (let i = 0; i < 3; i++) {
      await broker.stop();
      await broker.start();
      await until('the connection', async () => ((await room.status()).mqtt.connected ? true : undefined));
      await wait(1000); // for the announcement
    }
    t.equal(figure('write_bytes') - before, 0, 'bytes of three connections');
    t.equal(await room.stop(), 0);
  },
);
