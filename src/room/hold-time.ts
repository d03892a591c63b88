// The hold time: a value set over MQTT survives restarts until the configuration file has another value.
import type { Settings } from '../store/settings.js';

export interface HoldTime {
  /** Applies the stored or configured time. */
  start(): void;
  /** Applies and remembers a time that was set over MQTT. */
  set(seconds: number): void;
}

const key = 'hold';

/** `apply` puts a time into effect; called once by `start` and once by each `set`. */
export function createHoldTime(
  settings: Pick<Settings, 'get' | 'remember'>,
  configuredSeconds: number,
  apply: (seconds: number) => void,
): HoldTime {
  return {
    start() {
      // Stored with the configured value it replaced: when the user edits the file, the new value in the file counts.
      const [seconds, replaced] = (settings.get(key) ?? '').split(' ').map(Number);
      const isStored = seconds !== undefined && Number.isFinite(seconds) && replaced === configuredSeconds;
      apply(isStored ? seconds : configuredSeconds);
    },
    set(seconds) {
      apply(seconds);
      settings.remember(key, `${seconds} ${configuredSeconds}`);
    },
  };
}
