// The hold time: what Home Assistant's number says, over restarts, until the configuration is given another value.
import type { Store } from '../store/store.js';

export interface HoldTime {
  /** Makes the remembered or configured time so. */
  start(): void;
  /** Remembers a time that was set from outside, and makes it so. */
  set(seconds: number): void;
}

const key = 'hold';

/** `apply` makes a time so; called for `start` and for each `set`. */
export function createHoldTime(
  store: Pick<Store, 'setting' | 'setSetting'>,
  configuredSeconds: number,
  apply: (seconds: number) => void,
): HoldTime {
  return {
    start() {
      // Remembered beside the configured value it stood in for: whoever edits the file wants the file to count.
      const [seconds, over] = (store.setting(key) ?? '').split(' ').map(Number);
      apply(
        seconds !== undefined && Number.isFinite(seconds) && over === configuredSeconds ? seconds : configuredSeconds,
      );
    },
    set(seconds) {
      store.setSetting(key, `${seconds} ${configuredSeconds}`);
      apply(seconds);
    },
  };
}
