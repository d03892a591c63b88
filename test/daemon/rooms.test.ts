// One daemon with eight rooms: a process, the real models, a real broker, and eight cameras that are processes of their own (ffmpeg).
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import type { DaemonStatus } from '../../src/control/protocol.js';
import { listenTo, startMosquitto, withoutMosquitto } from '../helpers/brokers.js';
import { collect, runVerb, spawnCli } from '../helpers/cli.js';
import { shortFolder } from '../helpers/short-folder.js';

const patienceMs = 180_000;
t.setTimeout(600_000);

const withoutFfmpeg =
  spawnSync('ffmpeg', ['-version']).error === undefined ? false : 'ffmpeg is not installed (apt-get install ffmpeg)';
const skip = withoutMosquitto || withoutFfmpeg;

const ids = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8'];

async function until<T>(what: string, read: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await wait(100)) {
    const value = await read();
    if (value !== undefined) return value;
  }
  throw new Error(`waited ${patienceMs / 1000} s for ${what}`);
}

/** A film whose picture changes all the time, so that every frame is analysed. */
function film(path: string, framesPerSecond: number): string {
  const picture = `testsrc2=size=320x240:rate=${framesPerSecond}:duration=20`;
  execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', picture, '-c:v', 'mjpeg', '-q:v', '5', path]);
  return path;
}

/** The ffmpeg that plays `path` for the daemon. */
function playerOf(path: string): number | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      if (words.includes(`file:${path}`) && words[0]!.endsWith('ffmpeg')) return Number(pid);
    } catch {
      // It has ended.
    }
  }
  return undefined;
}

/** Processor time of a process, seconds, and its share of the memory, MB. */
function used(pid: number): { cpuSeconds: number; pssMb: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const pss = /^Pss: +(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100, pssMb: Number(pss) / 1000 };
}

t.test(
  'eight cameras have equal turns, and one that dies, hangs or is paused touches no other',
  { skip },
  async (t) => {
    const folder = shortFolder(t);
    await using broker = await startMosquitto();
    await using listener = await listenTo(broker.url);
    // Only one camera is given up soon: the others may have to wait for the processor.
    const hanging = 2;
    // The first room is busy: six times as many frames as the others.
    const films = ids.map((id, index) => film(join(folder, `${id}.avi`), index === 0 ? 30 : 5));
    const camera = (index: number, framerate: number): string =>
      `[[room]]\nid = "${ids[index]}"\n[room.camera]\ninput = "${films[index]}"\nframerate = ${framerate}\n${index === hanging ? 'stall_seconds = 1\n' : ''}`;
    const shared = `[camera]\nsource = "ffmpeg"\nloop = true\nwidth = 320\nheight = 240\nstall_seconds = 60
[mqtt]\nurl = "${broker.url}"\n[store]\ndirectory = "${join(folder, 's')}"\n[service]\nhealth_seconds = 5\n`;
    const config = join(folder, 'config.toml');
    writeFileSync(config, `${ids.map((_, index) => camera(index, index === 0 ? 30 : 5)).join('')}${shared}`);

    const daemon = spawnCli(['run', '--json', '--config', config]);
    const { written, ended } = collect(daemon);
    t.teardown(() => daemon.kill('SIGKILL'));
    const statuses = async (): Promise<readonly DaemonStatus[] | undefined> => {
      const { code, stdout } = await runVerb(['status', '--json', '--config', config]);
      return code === 0 ? JSON.parse(stdout).rooms : undefined;
    };
    const statusOf = async (id: string) => (await statuses())?.find(({ room }) => room === id);
    /** Frames that each of `rooms` processed until all of them have processed `least`. */
    const processed = async (rooms: readonly string[], least: number): Promise<readonly number[]> => {
      const before = (await statuses())!;
      return until(`${least} frames of each room`, async () => {
        const now = await statuses();
        const counts = rooms.map((id) => {
          const framesOf = (list: readonly DaemonStatus[]) => list.find(({ room }) => room === id)!.frames.processed;
          return now === undefined ? 0 : framesOf(now) - framesOf(before);
        });
        return counts.every((count) => count >= least) ? counts : undefined;
      });
    };
    const ratio = (counts: readonly number[]): number => Math.max(...counts) / Math.min(...counts);

    await until('eight cameras', async () =>
      (await statuses())?.every(({ frames }) => frames.processed > 5) ? true : undefined,
    );
    const engine = Number(
      execFileSync('pgrep', ['-P', String(daemon.pid), '-f', 'engine/child'], { encoding: 'utf8' }),
    );
    const usedBefore = [daemon.pid!, engine].map(used);
    const calm = await processed(ids, 40);
    // Figures for docs/measurements.md.
    const frames = calm.reduce((sum, count) => sum + count);
    for (const [index, { cpuSeconds, pssMb }] of [daemon.pid!, engine].map(used).entries()) {
      const cpuMs = Math.round((1000 * (cpuSeconds - usedBefore[index]!.cpuSeconds)) / frames);
      t.comment(`${index === 0 ? 'daemon' : 'engine'}: ${cpuMs} ms of CPU a frame, ${Math.round(pssMb)} MB PSS`);
    }
    t.ok(ratio(calm.slice(1)) <= 1.5, `frames of the rooms with 5 a second: ${calm.slice(1).join(', ')}`);
    t.ok(calm[0]! >= Math.min(...calm.slice(1)) / 1.5, `a busy room has the turns that the others leave: ${calm[0]}`);
    for (const { room, camera, frames } of (await statuses())!) {
      const waiting = camera.frames - camera.drops - frames.processed;
      t.ok(
        waiting >= 0 && waiting <= 2,
        `${room}: ${camera.frames} frames are ${frames.processed} + ${camera.drops} dropped`,
      );
    }

    const [dead, stuck, paused, ...others] = ids.slice(1) as [string, string, string, ...string[]];
    const pathOf = (id: string): string => films[ids.indexOf(id)]!;
    renameSync(pathOf(dead), `${pathOf(dead)}.away`);
    process.kill(playerOf(pathOf(dead))!, 'SIGKILL');
    await until('an offline camera', () =>
      listener.of(`room/${dead}/camera`).at(-1) === 'offline' ? true : undefined,
    );
    const player = playerOf(pathOf(stuck))!;
    process.kill(player, 'SIGSTOP');
    t.equal((await runVerb(['pause', '--room', paused, '--config', config])).code, 0);
    t.match(await statusOf(paused), { recognition: 'off', camera: { state: 'paused' } });
    await until('a stalled camera that is opened again', async () =>
      (await statusOf(stuck))!.camera.reopened > 0 ? true : undefined,
    );
    const after = await processed(others, 40);
    t.ok(ratio(after) <= 1.5, `frames of the others: ${after.join(', ')}`);
    for (const id of others) {
      t.match(await statusOf(id), { recognition: 'on', problems: [], camera: { state: 'online', reopened: 0 } }, id);
      const states = listener.of(`room/${id}/camera`);
      t.notOk(states.slice(states.indexOf('online')).includes('offline'), `${id} was online all the time`);
    }
    t.equal(JSON.parse(listener.of(`room/${paused}/state`).at(-1)!).occupied, null);
    renameSync(`${pathOf(dead)}.away`, pathOf(dead));
    await until('the camera that is back', async () =>
      (await statusOf(dead))!.camera.state === 'online' ? true : undefined,
    );

    // The verbs with several rooms.
    const verb = async (...words: string[]) => runVerb([...words, '--config', config]);
    const list = (await verb('status')).stdout;
    for (const id of ids) t.match(list, new RegExp(`room +${id}: `));
    t.match(list, /recognition is off|off: /);
    t.match(await verb('status', '--room', 'r1'), { code: 0, stdout: /^room +r1: / });
    t.match(await verb('look'), { code: 64, stderr: /has the rooms r1, r2, .*: say which one, such as --room r1/ });
    t.match(await verb('resume'), { code: 64, stderr: /say which one/ });
    t.match(await verb('status', '--room', 'attic'), { code: 64, stderr: /has no room attic: it has r1, / });
    t.match(JSON.parse((await verb('look', '--room', 'r1', '--json')).stdout), { width: 320, height: 240 });
    t.match(await verb('why'), { code: 0 });
    const checked = await verb('check');
    for (const id of ids) t.match(checked.stdout, new RegExp(`camera +${id}: `));
    const privacy = (await verb('check', '--privacy')).stdout;
    for (const id of ids) t.match(privacy, new RegExp(`^Room ${id}:$`, 'm'));
    t.match(written.stdout, /"room":"r1"/, 'run --json names the room');

    // A reload with one room less.
    writeFileSync(
      config,
      `${ids
        .slice(0, 2)
        .map((_, index) => camera(index, 5))
        .join('')}${shared}`,
    );
    daemon.kill('SIGHUP');
    await until('a room that is gone', () => (listener.of('room/r3/status').at(-1) === 'offline' ? true : undefined));
    await until('the others', async () =>
      (await statuses())?.every(({ frames }) => frames.fps > 0) ? true : undefined,
    );
    t.equal((await statuses())!.length, 2);

    daemon.kill('SIGKILL');
    await ended;
    for (const id of ['r1', 'r2'])
      await until(`the will of ${id}`, () =>
        listener.of(`room/${id}/status`).at(-1) === 'offline' ? true : undefined,
      );
    t.notMatch(written.stderr, /INTERNAL|at file:/);
    t.match(written.stderr, new RegExp(`${dead}: the camera is offline`), 'a line of the log names the room');
  },
);
