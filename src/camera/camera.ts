// A camera gives whole frames and says when it cannot. It never throws for a camera's fault and never ends by itself,
// except a replay or a file that is over.

import type { Frame } from '../vision/picture.js';

export type { Frame };

export type CameraState = 'starting' | 'online' | 'offline';

export interface CameraStatus {
  readonly state: CameraState;
  /** Why it is offline, one line that says what to do; null while online. */
  readonly reason: string | null;
  /** Frames that came whole, and frames dropped because a newer one came first. */
  readonly frames: number;
  readonly drops: number;
  /** Bursts of bytes thrown away because they did not end where a frame ends. */
  readonly torn: number;
  /** How often it was reopened. */
  readonly reopened: number;
}

export interface Camera extends AsyncDisposable {
  /** Starts capturing and returns at once; faults show in `status` and in the log. */
  start(): void;
  /** The newest frame that was not yet taken, the taker's own from then on; waits for one. null when the camera was stopped or a replay is over. */
  next(): Promise<Frame | null>;
  readonly status: CameraStatus;
  /** Called at each change of `status.state`. */
  onState(listener: (status: CameraStatus) => void): void;
  /** Ends the camera's process (the privacy switch); resolves when it is gone. `start` may follow. */
  stop(): Promise<void>;
}
