// What a camera tells the outside: its status, each change of state, one line in the log for each new fault.
import type { Log } from '../base/log.js';
import type { CameraState, CameraStatus } from './camera.js';

export interface CameraReport {
  readonly status: CameraStatus;
  onState(listener: (status: CameraStatus) => void): void;
  /** Counts a whole frame, and `skipped` older ones of the same burst; returns its sequence number. */
  frame(skipped: number): number;
  /** Frames that the mailbox of this start has dropped so far. */
  drops(inMailbox: number): void;
  torn(): void;
  reopened(): void;
  starting(): void;
  online(): void;
  /** A fault: it is tried again. */
  failed(reason: string): void;
  /** No fault, but no frames either: stopped, or the video is over. */
  ended(reason: string): void;
}

export function createCameraReport(log: Log): CameraReport {
  const listeners: ((status: CameraStatus) => void)[] = [];
  let state: CameraState = 'offline';
  let reason: string | null = 'not started';
  let loggedFault: string | null = null;
  let frames = 0;
  let skippedFrames = 0;
  let dropsBefore = 0;
  let dropsInMailbox = 0;
  let torn = 0;
  let reopened = 0;

  const status = (): CameraStatus => ({
    state,
    reason,
    frames,
    drops: skippedFrames + dropsBefore + dropsInMailbox,
    torn,
    reopened,
  });
  const become = (newState: CameraState, newReason: string | null): void => {
    const changed = newState !== state;
    state = newState;
    reason = newReason;
    if (changed) for (const listener of listeners) listener(status());
  };
  return {
    get status() {
      return status();
    },
    onState: (listener) => void listeners.push(listener),
    frame(skipped) {
      skippedFrames += skipped;
      frames += skipped + 1;
      return frames - 1;
    },
    drops(inMailbox) {
      dropsInMailbox = inMailbox;
    },
    torn: () => void torn++,
    reopened: () => void reopened++,
    starting() {
      dropsBefore += dropsInMailbox;
      dropsInMailbox = 0;
      loggedFault = null;
      become('starting', null);
    },
    online() {
      if (state === 'online') return;
      log(loggedFault === null ? 'info' : 'notice', 'camera: frames come in');
      loggedFault = null;
      become('online', null);
    },
    failed(newReason) {
      // The same fault at the next try is no news; "no frame for 5.1 s" and "5.2 s" are the same fault.
      const fault = newReason.replace(/\d+(\.\d+)? s:/, '');
      log(fault === loggedFault ? 'debug' : 'warning', `camera: ${newReason}`);
      loggedFault = fault;
      become('offline', newReason);
    },
    ended(newReason) {
      log('info', `camera: ${newReason}`);
      become('offline', newReason);
    },
  };
}
