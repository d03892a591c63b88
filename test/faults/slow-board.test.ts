// A daemon on a board that is too slow, by its configuration or because its processor is taken away: slow is slower, not blind.
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import type { DaemonStatus } from '../../src/control/protocol.js';
import { startAedes } from '../helpers/brokers.js';
import { cpuQuota } from '../helpers/cpu-quota.js';
import { shortFolder } from '../helpers/short-folder.js';
import { type FaultyRoom, faultyRoom, until, untilAda } from './room.js';

t.setTimeout(600_000);

interface State {
  readonly occupied: boolean | null;
  readonly person: string | null;
}

const states = (room: FaultyRoom): State[] =>
  room.listener.of('room/lab/state').map((text) => JSON.parse(text) as State);

async function problems(room: FaultyRoom): Promise<string> {
  return (await room.status()).problems.map(({ part, problem }) => `${part}: ${problem}`).join('\n');
}

t.test(
  'two frames in five seconds: Ada is named, the room is never empty, and the setting that helps is named',
  async (t) => {
    await using broker = await startAedes();
    const folder = shortFolder(t);
    await using room = await faultyRoom(folder, broker);
    const frames = `${folder}/frames`;
    room.writeConfig({
      camera: `source = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256\nframerate = 0.4`,
    });
    await room.start();
    t.ok((await untilAda(room)) < 30_000);
    await wait(20_000);
    t.notOk(
      states(room).some(({ occupied }) => occupied === false),
      'never "nobody" with Ada in every frame',
    );
    const names = states(room).flatMap(({ person }) => person ?? []);
    t.strictSame(new Set(names), new Set(['ada']));
    t.match(await problems(room), /speed: only 0\.[345] frames a second .* raise \[camera\] framerate/);
    const [health] = await until('health with the problem', () => {
      const text = room.last('health');
      return text?.includes('speed: ') ? (JSON.parse(text) as { analysed_fps: number }) : undefined;
    });
    t.ok(health.analysed_fps > 0.3 && health.analysed_fps < 0.6, `${health.analysed_fps} frames a second`);
    t.match((await room.verb('status')).stdout, /speed: only 0\.[345] frames/);
    t.match((await room.verb('check')).stdout, /speed: +only 0\.[345] frames/);
  },
);

t.test('a processor that is taken away costs tiles, then time, and neither a name nor the process', async (t) => {
  using quota = cpuQuota(`roomkin-test-${process.pid}`);
  if (quota === null) {
    t.comment('skipped: no control group with a CPU quota can be made here');
    return;
  }
  await using broker = await startAedes();
  const folder = shortFolder(t);
  await using room = await faultyRoom(folder, broker);
  const frames = `${folder}/frames`;
  room.writeConfig({
    camera: `source = "replay"\ninput = "${frames}"\nloop = true\nwidth = 1280\nheight = 960\nframerate = 5`,
  });
  await room.start();
  await untilAda(room);
  await until('a full search', async () => ((await room.status()).frames.search === 'full' ? true : undefined));
  for (const pid of [room.daemon.pid!, ...room.engines()]) quota.add(pid);
  const before = states(room).length;
  let share = 0.25;
  /** Takes more and more of the processor away, until `is` holds: a fast machine needs a smaller share to be slow. */
  const slowDown = async (what: string, is: (frames: DaemonStatus['frames']) => boolean): Promise<number> => {
    for (; share > 0.005; share /= 2) {
      quota.share(share);
      for (let seconds = 0; seconds < 30; seconds++) {
        await wait(1000);
        const { frames } = await room.status();
        if (!is(frames)) continue;
        t.comment(`${what} at ${share.toFixed(3)} of a CPU: ${frames.fps.toFixed(2)} frames a second`);
        return frames.fps;
      }
    }
    throw new Error(`never ${what}`);
  };
  const reduced = await slowDown('a reduced search', ({ search }) => search === 'reduced');
  t.ok(reduced > 0.2 && reduced < 5, `${reduced} frames a second`);
  await slowDown('fewer than a frame a second', ({ fps }) => fps < 0.8);
  await wait(30_000);
  const { search: slowSearch, fps: slowest } = (await room.status()).frames;
  t.equal(slowSearch, 'reduced');
  t.ok(slowest > 0.02 && slowest < 1.5, `${slowest} frames a second`);
  t.match(await problems(room), /speed: only .* an analysis takes/);
  quota.share(null);
  await until('room again', async () => ((await room.status()).frames.fps >= 2 ? true : undefined));
  // On a machine with other work an analysis may stay slow.
  for (let waits = 0; waits < 4 && (await room.status()).frames.search !== 'full'; waits++) await wait(30_000);
  const { search, p50Ms } = (await room.status()).frames;
  t.comment(`${search} search, ${p50Ms?.toFixed(0)} ms (median)`);
  t.ok(search === 'full' || p50Ms! > 300);
  await until('no problem', async () => (/speed/.test(await problems(room)) ? undefined : true));
  t.strictSame(room.people(), ['Ada']);
  const later = states(room).slice(before);
  t.notOk(
    later.some(({ occupied }) => occupied === false),
    'never "nobody" with Ada in every frame',
  );
  t.notOk(later.some(({ person }) => person !== null && person !== 'ada'));
  t.notMatch(room.log(), /recognition process failed|restarted/);
});
