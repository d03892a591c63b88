// The hold time: a value set over MQTT survives restarts until the configuration file has another value.
import type { Store } from '../store/store.js';

export interface HoldTime {
  /** Applies the stored or configured time. */
  start(): void;
  /** Stores and applies a time that was set over MQTT. */
  set(seconds: number): void;
}

const key = 'hold';

/** `apply` puts a time into effect; called once by `start` and once by each `set`. */
export function createHoldTime(
  store: Pick<Store, 'setting' | 'setSetting'>,
  configuredSeconds: number,
  apply: (seconds: number) => void,
): HoldTime {
  return {
    start() {
      // Stored with the configured value it replaced: when the user edits the file, the new value in the file counts.
      const [seconds, replaced] = (store.setting(key) ?? '').split(' ').map(Number);
      const isStored = seconds !== undefined && Number.isFinite(seconds) && replaced === configuredSeconds;
      apply(isStored ? seconds : configuredSeconds);
    },
    set(seconds) {
      store.setSetting(key, `${seconds} ${configuredSeconds}`);
      apply(seconds);
    },
  };
}
