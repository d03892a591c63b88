// Parts × faults. Each row breaks one part of a running daemon and says within how many seconds the right state is back, and what a
// user reads meanwhile. `npm test` runs the quick rows, `npm run test:faults` all of them.
import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import type { Broker, Wire } from '../helpers/brokers.js';
import type { Machine, MachineFaults } from './preload.js';
import { type FaultyRoom, until } from './room.js';

export interface Parts {
  readonly room: FaultyRoom;
  readonly broker: Broker;
  /** Between the daemon and the broker. */
  readonly wire: Wire;
  /** Breaks the camera program; `frames` mends it. */
  camera(mode: string): void;
  /** Process ids of the camera program. */
  cameraPids(): readonly number[];
  /** The machine's clock and disk; null where they cannot be broken. */
  readonly machine: Machine | null;
}

export interface FaultRow {
  readonly part: string;
  readonly fault: string;
  readonly quick: boolean;
  /** Breaks the part. Resolves when it is broken. */
  break(parts: Parts): Promise<void> | void;
  /** What `roomkin status --json` and the log have to say while it is broken; null: the fault is over too soon to be read. */
  readonly reads: RegExp | null;
  /** Ends the cause, as a user would. */
  mend(parts: Parts): Promise<void> | void;
  /** The right state is back within this time after `mend`, seconds. */
  readonly withinSeconds: number;
  /** `roomkin pause` cannot be acknowledged at the broker while it is away. */
  readonly withoutBroker?: boolean;
  /** Nobody may be reported as arrived or left because of this fault. */
  readonly isSilent?: boolean;
  /** Needs `Parts.machine`. */
  readonly needsMachine?: boolean;
}

const stallSeconds = 4;
const hourMs = 3_600_000;
const nothing = (): void => {};
const kill = (pids: readonly number[], signal: NodeJS.Signals): void => {
  for (const pid of pids) process.kill(pid, signal);
};

/** A camera that gives no frames is noticed after `stall_seconds`, then opened again with a growing delay. */
const cameraRow = (fault: string, mode: string, reads: RegExp, quick: boolean): FaultRow => ({
  part: 'camera',
  fault,
  quick,
  break: ({ camera }) => camera(mode),
  reads,
  mend: ({ camera }) => camera('frames'),
  withinSeconds: stallSeconds + 5,
});

/** The clock is set while Ada sits in view, and set right after longer than she may be unseen. */
const clockRow = (fault: string, clockOffsetMs: number, quick: boolean): FaultRow => ({
  part: 'clock',
  fault,
  quick,
  async break({ machine, room }) {
    const sinceMs = (): number => Date.parse(JSON.parse(room.last('state') ?? '{}').people[0].since);
    const beforeMs = sinceMs();
    machine?.set({ clockOffsetMs });
    await wait(4000);
    await until('the times of the state to follow the clock', () =>
      Math.abs(sinceMs() - beforeMs - clockOffsetMs) < 1000 ? true : undefined,
    );
  },
  reads:
    clockOffsetMs > 0
      ? /the clock of this machine was set forward by \d+ s/
      : /the clock of this machine was set back by \d+ s/,
  mend: ({ machine }) => machine?.set({}),
  withinSeconds: 3,
  isSilent: true,
  needsMachine: true,
});

/** A card that is worn out or busy. What the daemon writes by itself must not keep it from its work. */
const slowDiskRow = (fault: string, faults: MachineFaults): FaultRow => ({
  part: 'disk',
  fault,
  quick: false,
  async break({ machine, room }) {
    machine?.set(faults);
    const startMs = performance.now();
    let longestMs = 0;
    await room.listener.say('room/lab/leave_after/set', room.last('leave_after') === '7' ? '8' : '7');
    while (performance.now() - startMs < 8000) {
      const askedMs = performance.now();
      await room.status();
      longestMs = Math.max(longestMs, performance.now() - askedMs);
      await wait(50);
    }
    if (longestMs > 1000)
      throw new Error(`a setting that is written blocked the daemon for ${Math.round(longestMs)} ms`);
    // The switch works at once, whatever is being written.
    await room.listener.say('room/lab/leave_after/set', '9');
    const offMs = performance.now();
    await room.listener.say('room/lab/recognition/set', 'OFF');
    await until('OFF', () => (room.last('recognition') === 'OFF' ? true : undefined));
    const tookMs = performance.now() - offMs;
    if (tookMs > 1000) throw new Error(`recognition off was acknowledged after ${Math.round(tookMs)} ms`);
    await room.listener.say('room/lab/recognition/set', 'ON');
    await until('ON', () => (room.last('recognition') === 'ON' ? true : undefined));
    if (faults.writeMs !== undefined) return;
    // The decisions in memory are written before `why` answers, as they are every 15 minutes.
    const whyMs = performance.now();
    await room.verb('why');
    const answeredMs = performance.now() - whyMs;
    if (answeredMs > 1000) throw new Error(`the decisions were written within ${Math.round(answeredMs)} ms`);
  },
  reads: null,
  mend: ({ machine }) => machine?.set({}),
  withinSeconds: 5,
  isSilent: true,
  needsMachine: true,
});

export const faultTable: readonly FaultRow[] = [
  clockRow('is set forward by 5 h', 5 * hourMs, true),
  clockRow('is set back by 12 h', -12 * hourMs, false),
  clockRow('is set back to 1970', -Date.now(), false),
  {
    part: 'engine',
    fault: 'is killed',
    quick: true,
    break: ({ room }) => kill(room.engines(), 'SIGKILL'),
    reads: null,
    mend: nothing,
    withinSeconds: 3,
  },
  {
    part: 'engine',
    fault: 'hangs',
    quick: true,
    break: ({ room }) => kill(room.engines(), 'SIGSTOP'),
    reads: null,
    mend: nothing,
    withinSeconds: 3,
  },
  {
    part: 'engine',
    fault: 'is killed again and again',
    quick: false,
    async break({ room }) {
      for (let n = 0; n < 8; n += 1) {
        kill(room.engines(), 'SIGKILL');
        await wait(400);
      }
    },
    reads: /tried again every 30 s/,
    mend: nothing,
    withinSeconds: 40,
  },
  {
    part: 'engine',
    fault: 'gets no more memory',
    quick: false,
    break({ room }) {
      for (const pid of room.engines()) execFileSync('prlimit', ['--pid', String(pid), '--as=50000000']);
    },
    reads: null,
    mend: nothing,
    withinSeconds: 5,
  },
  cameraRow('is silent', 'silent', /no frame for [\d.]+ s/, true),
  cameraRow('exits', 'exits', /camera/, false),
  cameraRow('sends torn frames', 'torn', /no frame for|no whole frame/, false),
  cameraRow('sends garbage', 'garbage', /no frame for|no whole frame|frames/, false),
  cameraRow('sends another size', 'wrong size', /no frame for|no whole frame|frames/, false),
  {
    part: 'camera',
    fault: 'is stopped by a signal',
    quick: false,
    break: ({ cameraPids }) => kill(cameraPids(), 'SIGSTOP'),
    reads: /no frame for [\d.]+ s/,
    mend: nothing,
    withinSeconds: stallSeconds + 8,
  },
  {
    part: 'camera',
    fault: 'sends too many frames',
    quick: false,
    break: ({ camera }) => camera('too fast'),
    reads: null,
    mend: ({ camera }) => camera('frames'),
    withinSeconds: 3,
  },
  {
    part: 'broker',
    fault: 'is away and comes back empty',
    quick: true,
    break: ({ broker }) => broker.stop(),
    reads: /nobody listens there|connection was closed|dropped the connection/,
    mend: ({ broker }) => broker.start(),
    withinSeconds: 6,
    withoutBroker: true,
  },
  {
    part: 'broker',
    fault: 'cuts the connection',
    quick: false,
    break: ({ wire }) => wire.cut(),
    reads: null,
    mend: nothing,
    withinSeconds: 5,
  },
  {
    part: 'broker',
    fault: 'is silent behind an open connection',
    quick: false,
    break: ({ wire }) => wire.freeze(),
    reads: /no answer|does not acknowledge|keepalive|Keepalive|timeout/i,
    mend: ({ wire }) => wire.thaw(),
    withinSeconds: 8,
    withoutBroker: true,
  },
  {
    part: 'main loop',
    fault: 'is blocked for 5 s',
    quick: false,
    async break({ room }) {
      room.daemon.kill('SIGSTOP');
      await wait(5000);
      room.daemon.kill('SIGCONT');
    },
    reads: null,
    mend: nothing,
    withinSeconds: 5,
  },
  slowDiskRow('takes 1.5 s for each sync', { syncMs: 1500 }),
  slowDiskRow('takes 1 s for each write and sync', { syncMs: 1000, writeMs: 1000 }),
  {
    part: 'gallery',
    fault: 'is locked by another process for 6 s',
    quick: false,
    async break({ room }) {
      const { default: Database } = await import('better-sqlite3');
      const other = new Database(`${room.store}/gallery.sqlite`);
      other.exec('BEGIN IMMEDIATE');
      void room.listener.say('room/lab/leave_after/set', '3');
      await wait(6000);
      other.exec('ROLLBACK');
      other.close();
    },
    reads: null,
    mend: nothing,
    withinSeconds: 3,
  },
];
