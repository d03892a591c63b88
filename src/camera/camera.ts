// A camera gives whole frames and reports when it cannot. It never throws for a fault of the camera. It never ends by
// itself, except at the end of a replay or a file.

import type { Frame } from '../vision/picture.js';

export type { Frame };

export type CameraState = 'starting' | 'online' | 'offline';

export interface CameraStatus {
  readonly state: CameraState;
  /** Why it is offline, in one line that says what to do; null while it is online. */
  readonly reason: string | null;
  /** Whole frames received, and frames dropped because a newer one came before they were taken. */
  readonly frames: number;
  readonly drops: number;
  /** Bursts of bytes that were dropped because they did not end where a frame ends. */
  readonly torn: number;
  /** Its address gives one picture for each request and is polled. */
  readonly snapshots: boolean;
  /** How often it was reopened. */
  readonly reopened: number;
}

export interface Camera extends AsyncDisposable {
  /** Starts capturing and returns at once; faults show in `status` and in the log. */
  start(): void;
  /**
   * The newest frame that was not taken yet; waits for one. Its memory belongs to the caller until the next call, which may have it
   * overwritten. null when the camera was stopped or a replay is over.
   */
  next(): Promise<Frame | null>;
  /**
   * A frame that came after the one that the caller has, which then counts as dropped and whose memory is overwritten; null where there is
   * none. Does not wait.
   */
  newer(): Frame | null;
  readonly status: CameraStatus;
  /** Called at each change of `status.state`. */
  onState(listener: (status: CameraStatus) => void): void;
  /** Ends the camera's process (the privacy switch) and resolves when it is gone. `start` may follow. */
  stop(): Promise<void>;
}
