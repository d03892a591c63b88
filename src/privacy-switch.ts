// The privacy switch: its position is on disk before anything happens, so a power cut cannot switch the camera back on.

export interface PrivacySwitch {
  readonly on: boolean;
  /** Resolves when the new position is in force: off means that the camera's process is gone. */
  set(on: boolean): Promise<void>;
  /** Resolves at the next change of position. */
  changed(): Promise<void>;
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
  let waiting: (() => void)[] = [];
  return {
    get on() {
      return on;
    },
    set(next) {
      if (next !== on) {
        write(next);
        on = next;
        // One after the other: "off, on, off" within a moment must end with the camera stopped.
        applied = applied.then(() => apply(next));
        const woken = waiting;
        waiting = [];
        for (const wake of woken) wake();
      }
      return applied;
    },
    changed() {
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}
