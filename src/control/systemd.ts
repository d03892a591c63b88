// Notifies systemd: ready, the status line, "a frame was processed", stopping. No timer feeds the watchdog, so systemd restarts a daemon
// whose loop hangs. docs/adr/0008-systemd-notify.md explains why a program sends the datagram.
import { spawn } from 'node:child_process';
import type { Clock } from '../base/clock.js';
import { oneLine, sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';

/** systemd shows one line and cuts longer ones. */
const maxStatusLength = 200;
/** Four pings per watchdog period, because a ping may be lost or late. */
const pingsPerPeriod = 4;
const programWithinMs = 5000;

/** Notifies the service manager of the daemon's state. Every call returns at once; without a service manager it does nothing. */
export interface Notifier {
  /** Start-up is complete: the settings are valid, the gallery is open and the models are loaded. The camera may still be missing. */
  ready(status: string): void;
  /** Sets the line that `systemctl status` shows. It is sent with the next ping, or at once if it changed. */
  status(text: string): void;
  /** Feeds the watchdog after a frame was processed, and while its analysis makes progress. */
  frameProcessed(): void;
  /**
   * Feeds the watchdog while no frame is due, because the camera is switched off or missing. Call it only while the loop waits for a
   * frame and the camera is not online: the watchdog must detect a loop that hangs and an online camera whose frames are not processed.
   */
  noFrameDue(why: 'paused' | 'offline'): void;
  /** Reports that the daemon is stopping; resolves when the notification was sent. */
  stopping(): Promise<void>;
}

export interface NotifierOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** NOTIFY_SOCKET and WATCHDOG_USEC are removed from it, so that no child process (ffmpeg reads the network) can notify systemd. */
  readonly env?: Record<string, string | undefined>;
  /** The program that sends the datagram; tests pass their own. */
  readonly program?: string;
}

/** Creates a notifier for the environment in which systemd started the daemon (sd_notify(3), sd_watchdog_enabled(3)). */
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
  // One program at a time and in order: READY must not overtake a status, and programs must not accumulate on a slow machine.
  let queue = Promise.resolve();
  let pending = 0;

  const send = (...assignments: string[]): Promise<void> => {
    pending += 1;
    queue = queue
      .then(() => runProgram(program, assignments, { ...env, NOTIFY_SOCKET: socket }))
      .catch((error: unknown) => {
        if (complained) return;
        complained = true;
        log('warning', `systemd is not told how the daemon is: ${sentenceOf(error)}`);
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

/** Runs `systemd-notify` with each assignment as a separate argument, without a shell. */
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
