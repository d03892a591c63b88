// What systemd hears: ready, the status line, "a frame was processed", stopping. No timer feeds the watchdog here: a daemon
// whose loop hangs goes quiet and is restarted. docs/adr/0008-systemd-notify.md says why the datagram goes through a program.
import { spawn } from 'node:child_process';
import type { Clock } from '../base/clock.js';
import { oneLine } from '../base/errors.js';
import type { Log } from '../base/log.js';

/** systemd shows one line; longer ones are cut. */
const maxStatusLength = 200;
/** A ping may be lost or late: four within one watchdog period. */
const pingsPerPeriod = 4;
const programWithinMs = 5000;

/** Tells the service manager how the daemon is. Every call returns at once; without a service manager it does nothing. */
export interface Notifier {
  /** Start-up is over: settings are good, the gallery is open and the models are loaded. The camera may still be missing. */
  ready(status: string): void;
  /** The line that `systemctl status` shows. Sent with the next ping, or at once when it changed. */
  status(text: string): void;
  /** Feeds the watchdog: a frame has gone all the way. */
  frameProcessed(): void;
  /**
   * Feeds the watchdog: the loop came round, waited for a frame, and there rightly is none, since the camera is switched off or
   * gone. Must be called only while the loop waits for a frame, and never while the camera is online: a loop that hangs, and a
   * camera that is online without a frame reaching its end, are what the watchdog is there to catch.
   */
  noFrameDue(why: 'paused' | 'offline'): void;
  /** The stop has begun; resolves when it was said. */
  stopping(): Promise<void>;
}

export interface NotifierOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** NOTIFY_SOCKET and WATCHDOG_USEC are taken out of it, so that no child (ffmpeg reads the network) can speak for the daemon. */
  readonly env?: Record<string, string | undefined>;
  /** The program that sends; tests give their own. */
  readonly program?: string;
}

/** A notifier for the environment systemd started us in (sd_notify(3), sd_watchdog_enabled(3)). */
export function createNotifier(options: NotifierOptions): Notifier {
  const { clock, log, env = process.env, program = 'systemd-notify' } = options;
  const socket = env['NOTIFY_SOCKET'];
  const watchdogMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1000;
  const forUs = env['WATCHDOG_PID'] === undefined || env['WATCHDOG_PID'] === String(process.pid);
  delete env['NOTIFY_SOCKET'];
  delete env['WATCHDOG_USEC'];
  delete env['WATCHDOG_PID'];
  if (!socket) return silentNotifier;

  const pingEveryMs = forUs && watchdogMs > 0 ? watchdogMs / pingsPerPeriod : null;
  let pingedAt = Number.NEGATIVE_INFINITY;
  let shown = '';
  let complained = false;
  // One program at a time, in order: READY must not overtake a status, and a slow machine must not pile them up.
  let queue = Promise.resolve();
  let pending = 0;

  const send = (...assignments: string[]): Promise<void> => {
    pending += 1;
    queue = queue
      .then(() => runProgram(program, assignments, { ...env, NOTIFY_SOCKET: socket }))
      .catch((error: unknown) => {
        if (complained) return;
        complained = true;
        log(
          'warning',
          `systemd is not told how the daemon is: ${error instanceof Error ? error.message : String(error)}`,
        );
      })
      .finally(() => {
        pending -= 1;
      });
    return queue;
  };
  const feed = (): void => {
    const now = clock.monotonicMs();
    if (pingEveryMs === null || now - pingedAt < pingEveryMs || pending > 0) return;
    pingedAt = now;
    void send('WATCHDOG=1');
  };
  return {
    ready(status) {
      shown = oneLine(status, maxStatusLength);
      void send('READY=1', `STATUS=${shown}`);
    },
    status(text) {
      const line = oneLine(text, maxStatusLength);
      if (line === shown) return;
      shown = line;
      void send(`STATUS=${line}`);
    },
    frameProcessed: feed,
    noFrameDue: feed,
    stopping: () => send('STOPPING=1'),
  };
}

const silentNotifier: Notifier = {
  ready() {},
  status() {},
  frameProcessed() {},
  noFrameDue() {},
  stopping: async () => {},
};

/** Runs `systemd-notify` with the assignments as arguments of their own: no shell sees them. */
function runProgram(
  program: string,
  assignments: readonly string[],
  env: Record<string, string | undefined>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, assignments, {
      env,
      stdio: 'ignore',
      timeout: programWithinMs,
      killSignal: 'SIGKILL',
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ended with ${signal ?? `status ${code}`}`));
    });
  });
}
