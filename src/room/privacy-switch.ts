// The privacy switch: its position is on disk before anything happens, so a power cut cannot switch the camera back on.

export interface PrivacySwitch {
  readonly on: boolean;
  /** Resolves when the new position is in force: off means that the camera's process is gone. */
  set(on: boolean): Promise<void>;
  /** Resolves when every position set so far is in force. */
  settled(): Promise<void>;
  /** How often it was moved. */
  readonly changes: number;
}

export interface PrivacySwitchParts {
  /** The remembered position. */
  read(): boolean;
  write(on: boolean): void;
  /** Makes it so. */
  apply(on: boolean): Promise<void>;
}

export function createPrivacySwitch({ read, write, apply }: PrivacySwitchParts): PrivacySwitch {
  let on = read();
  let applied = Promise.resolve();
  let changes = 0;
  return {
    get on() {
      return on;
    },
    set(next) {
      if (next !== on) {
        write(next);
        on = next;
        changes++;
        // One after the other: "off, on, off" within a moment must end with the camera stopped.
        applied = applied.then(() => apply(next));
      }
      return applied;
    },
    settled: () => applied,
    get changes() {
      return changes;
    },
  };
}
