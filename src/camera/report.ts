// What a camera reports: its status, each change of state, and one log line for each new fault.
import type { Log } from '../base/log.js';
import type { CameraState, CameraStatus } from './camera.js';

export interface CameraReport {
  readonly status: CameraStatus;
  onState(listener: (status: CameraStatus) => void): void;
  /** Counts a whole frame and `skipped` older frames of the same burst. Returns the frame's sequence number. */
  frame(skipped: number): number;
  /** Frames that the mailbox of this start has dropped so far. */
  drops(inMailbox: number): void;
  torn(): void;
  reopened(): void;
  /** Whether the frames are pictures that are polled. */
  snapshots(are: boolean): void;
  starting(): void;
  online(): void;
  /** A fault. The camera is opened again. */
  failed(reason: string): void;
  /** No more frames, and no fault: stopped, or the video is over. */
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
  let snapshots = false;

  const status = (): CameraStatus => ({
    state,
    reason,
    frames,
    drops: skippedFrames + dropsBefore + dropsInMailbox,
    torn,
    snapshots,
    reopened,
  });
  const setState = (newState: CameraState, newReason: string | null): void => {
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
    snapshots(are) {
      snapshots = are;
    },
    starting() {
      dropsBefore += dropsInMailbox;
      dropsInMailbox = 0;
      loggedFault = null;
      setState('starting', null);
    },
    online() {
      if (state === 'online') return;
      log(loggedFault === null ? 'info' : 'notice', 'camera: frames arrive');
      loggedFault = null;
      setState('online', null);
    },
    failed(newReason) {
      // The same fault at the next try is logged as debug only. "no frame for 5.1 s" and "5.2 s" are the same fault.
      const fault = newReason.replace(/\d+(\.\d+)? s:/, '');
      log(fault === loggedFault ? 'debug' : 'warning', `camera: ${newReason}`);
      loggedFault = fault;
      setState('offline', newReason);
    },
    ended(newReason) {
      log('info', `camera: ${newReason}`);
      setState('offline', newReason);
    },
  };
}
