// A daemon as a process, on a disk, broker and camera that a test may break. Everything is real except the sensor: the camera is
// a folder of pictures that shows Ada, or a program that the test writes.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { DaemonStatus } from '../../src/control/protocol.js';
import { processesWith } from '../camera/camera-harness.js';
import { type Broker, type Listener, listenTo } from '../helpers/brokers.js';
import { type CliResult, runVerb, spawnCli } from '../helpers/cli.js';
import { pictures } from '../helpers/room-pictures.js';

/** Whether every fault is tried: `npm run test:faults`. `npm test` takes a few of them. */
export const everyFault = process.env['ROOMKIN_FAULTS'] === 'all';
/** For tap's `skip`: the reason, or false. */
export const notQuick: string | false = everyFault ? false : 'npm run test:faults runs it';

/** How long a state may take to come on a busy machine, milliseconds. Bars are asserted by `within`. */
const patienceMs = 60_000;

/** Its end kills the daemon and closes the listener. */
export interface FaultyRoom extends AsyncDisposable {
  readonly config: string;
  readonly store: string;
  readonly listener: Listener;
  daemon: ChildProcess;
  /** Everything that the present daemon has logged. */
  log(): string;
  /** Starts a daemon with the present configuration; the one before must have ended. */
  start(): Promise<void>;
  /** Ends the daemon with `signal` and waits for its end. Returns the exit code, or the signal that ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals | null>;
  verb(...args: readonly string[]): Promise<CliResult>;
  status(): Promise<DaemonStatus>;
  /** The last value of `room/lab/<name>`; undefined if there was none. */
  last(name: string): string | undefined;
  /** The names in the present state; null while it is unknown; undefined before the first. */
  people(): readonly string[] | null | undefined;
  alive(): boolean;
  /** Process ids of the engine child. */
  engines(): readonly number[];
  writeConfig(changes?: FaultyRoomOptions): void;
  /** A new listener, for a broker that was started again. */
  listenAgain(): Promise<Listener>;
}

export interface FaultyRoomOptions {
  /** Lines below `[camera]`; default: the folder of pictures at 5 frames a second. */
  readonly camera?: string;
  /** More lines, with their own sections. */
  readonly more?: string;
  readonly url?: string;
  /** A folder of programs that the daemon finds before all others. */
  readonly programs?: string;
  /** NODE_OPTIONS of the daemon. */
  readonly nodeOptions?: string;
  /** Other environment variables of the daemon. */
  readonly env?: NodeJS.ProcessEnv;
  /** Lines below `[mqtt]`. */
  readonly mqtt?: string;
}

/** Waits for `read` to give a value. Returns it with the time that it took, milliseconds. */
export async function until<T>(what: string, read: () => T | undefined | Promise<T | undefined>): Promise<[T, number]> {
  const startMs = performance.now();
  while (performance.now() - startMs < patienceMs) {
    const value = await read();
    if (value !== undefined) return [value, performance.now() - startMs];
    await wait(20);
  }
  throw new Error(`waited ${patienceMs / 1000} s for ${what}`);
}

/** Prepares the room in `folder`, with the state directory `store`, and enrols Ada. The daemon is not started. */
export async function faultyRoom(
  folder: string,
  broker: Broker,
  store = join(folder, 's'),
  options: FaultyRoomOptions = {},
): Promise<FaultyRoom> {
  const { frames, portrait } = await pictures(folder);
  const config = join(folder, 'config.toml');
  const runtime = join(folder, 'run');
  mkdirSync(runtime);
  const listener = await listenTo(broker.url);
  let log = '';
  const writeConfig = ({ camera, more = '', url = broker.url, mqtt = '' }: FaultyRoomOptions = options): void => {
    const replay = `source = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256\nframerate = 5`;
    writeFileSync(
      config,
      `[room]\nid = "lab"\n[camera]\n${camera ?? replay}\n[presence]\nleave_after_seconds = 2\n[mqtt]\nurl = "${url}"\n${mqtt}\n` +
        `[store]\ndirectory = "${store}"\n[service]\ncontrol_socket = "${join(runtime, 'lab.sock')}"\nhealth_seconds = 5\n${more}\n`,
    );
  };
  writeConfig();
  const verb = (...args: readonly string[]): Promise<CliResult> => runVerb([...args, '--config', config]);
  const enrolled = await verb('enrol', 'Ada', '--photos', portrait);
  if (enrolled.code !== 0) throw new Error(enrolled.stderr);

  const room: FaultyRoom = {
    config,
    store,
    listener,
    daemon: undefined as unknown as ChildProcess,
    log: () => log,
    verb,
    writeConfig,
    listenAgain: () => listenTo(broker.url),
    async start() {
      log = '';
      const { PATH = '' } = process.env;
      const env = {
        ...options.env,
        RUNTIME_DIRECTORY: runtime, // as systemd sets it
        ...(options.programs === undefined ? {} : { PATH: `${options.programs}:${PATH}` }),
        ...(options.nodeOptions === undefined ? {} : { NODE_OPTIONS: options.nodeOptions }),
      };
      const daemon = spawnCli(['run', '--config', config], env);
      daemon.stdout?.resume();
      daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
      room.daemon = daemon;
      await until('the daemon', async () => {
        if (daemon.exitCode !== null || daemon.signalCode !== null)
          throw new Error(`the daemon ended with ${daemon.exitCode ?? daemon.signalCode}: ${log}`);
        return (await verb('status', '--json')).code === 0 ? true : undefined;
      });
    },
    async stop(signal = 'SIGTERM') {
      const { daemon } = room;
      if (daemon.exitCode !== null || daemon.signalCode !== null) return daemon.exitCode ?? daemon.signalCode;
      const ended = new Promise<number | NodeJS.Signals | null>((resolve) =>
        daemon.once('exit', (code, name) => resolve(code ?? name)),
      );
      daemon.kill(signal);
      return ended;
    },
    async status() {
      const { code, stdout, stderr } = await verb('status', '--json');
      if (code !== 0) throw new Error(stderr);
      return JSON.parse(stdout);
    },
    last: (name) => listener.of(`room/lab/${name}`).at(-1),
    people() {
      const text = room.last('state');
      if (text === undefined) return undefined;
      const { people } = JSON.parse(text) as { people: { name: string }[] | null };
      return people === null ? null : people.map(({ name }) => name);
    },
    async [Symbol.asyncDispose]() {
      // A test may have failed before it started a daemon.
      if ((room.daemon as ChildProcess | undefined) !== undefined) await room.stop('SIGKILL');
      await listener[Symbol.asyncDispose]();
    },
    alive: () => room.daemon.exitCode === null && room.daemon.signalCode === null,
    engines() {
      try {
        const text = execFileSync('pgrep', ['-P', String(room.daemon.pid), '-f', 'engine/child'], { encoding: 'utf8' });
        return text.trim().split('\n').map(Number);
      } catch {
        return [];
      }
    },
  };
  return room;
}

/** Waits until Ada is in the state. Returns the time that it took, milliseconds. */
export async function untilAda(room: FaultyRoom): Promise<number> {
  const [, tookMs] = await until('Ada in the state', () => {
    if (!room.alive()) throw new Error(`the daemon ended: ${room.log()}`);
    return room.people()?.includes('Ada') ? true : undefined;
  });
  return tookMs;
}

/** A camera program in place of rpicam-vid. */
export interface ProgrammedCamera {
  /** A folder for `FaultyRoomOptions.programs`. */
  readonly programs: string;
  /** What it films from the next frame on: a picture file. Call it before the daemon starts. */
  film(path: string): Promise<void>;
  /** Breaks the program as camera-program.ts says, or `frames`, or `empty`: frames of a grey room. */
  set(mode: string): void;
  pids(): readonly number[];
}

/** Lines below `[camera]` for it. */
export const programmedCameraLines = 'width = 384\nheight = 256\nframerate = 5';

export function programmedCamera(folder: string): ProgrammedCamera {
  const [picture, mode, programs] = [join(folder, 'picture.yuv'), join(folder, 'mode'), join(folder, 'bin')];
  writeFileSync(mode, 'frames');
  mkdirSync(programs);
  const program = fileURLToPath(new URL('./camera-program.js', import.meta.url));
  const script = `#!/bin/sh\nexec "${process.execPath}" "${program}" "${picture}" "${mode}" "$@"\n`;
  writeFileSync(join(programs, 'rpicam-vid'), script, { mode: 0o755 });
  return {
    programs,
    film: async (path) => writeFileSync(picture, await yuv420(path, 384, 256)),
    set: (name) => writeFileSync(mode, name),
    pids: () => processesWith(mode),
  };
}

/** A picture as planar YUV 4:2:0 (BT.601, full range is close enough for a face). */
async function yuv420(path: string, width: number, height: number): Promise<Buffer> {
  const { data } = await sharp(path).resize(width, height).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const luma = Buffer.alloc(width * height);
  const [u, v] = [Buffer.alloc(luma.length / 4), Buffer.alloc(luma.length / 4)];
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const at = 3 * (y * width + x);
      const [r = 0, g = 0, b = 0] = data.subarray(at, at + 3);
      luma[y * width + x] = 0.299 * r + 0.587 * g + 0.114 * b;
      if (y % 2 === 1 || x % 2 === 1) continue;
      const half = (y / 2) * (width / 2) + x / 2;
      u[half] = 128 - 0.169 * r - 0.331 * g + 0.5 * b;
      v[half] = 128 + 0.5 * r - 0.419 * g - 0.081 * b;
    }
  return Buffer.concat([luma, u, v]);
}
