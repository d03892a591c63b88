// The privacy switch. Its position is written to disk before it takes effect, so a power cut cannot switch the camera back on.

export interface PrivacySwitch {
  readonly on: boolean;
  /** Resolves when the new position has taken effect. Off: the camera's process has ended. */
  set(on: boolean): Promise<void>;
  /** Resolves when every position set so far has taken effect. */
  settled(): Promise<void>;
  /** Number of position changes. */
  readonly changes: number;
}

export interface PrivacySwitchParts {
  /** The stored position. */
  read(): boolean;
  write(on: boolean): void;
  /** Starts or stops the camera. */
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
        // One after the other: a quick "off, on, off" must end with the camera stopped.
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
