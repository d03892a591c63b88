// "Leave after": a value set over MQTT survives restarts until the configuration file has another value.
import type { Settings } from '../store/settings.js';

export interface LeaveAfter {
  /** Applies the stored or configured time. */
  start(): void;
  /** Applies and remembers a time that was set over MQTT. Resolves when it has been published. */
  set(seconds: number): Promise<void>;
}

const key = 'leave_after';
/** The setting of roomkin 0.1, a second time of which the longer one counted. */
const formerKey = 'hold';

/**
 * `apply` puts a time into effect; called once by `start` and once by each `set`. `publish` shows it, after it was remembered: what
 * Home Assistant shows survives the end of this process.
 */
export function createLeaveAfter(
  settings: Pick<Settings, 'get' | 'remember'>,
  configuredSeconds: number,
  apply: (seconds: number) => void,
  publish: (seconds: number) => void,
): LeaveAfter {
  /** Stored with the configured value that it replaced: when the user edits the file, the new value in the file counts. */
  const remember = (seconds: number): Promise<void> => settings.remember(key, `${seconds} ${configuredSeconds}`);
  return {
    start() {
      const former = Number((settings.get(formerKey) ?? '').split(' ')[0]);
      if (former > 0) {
        if (settings.get(key) === null && former > configuredSeconds) void remember(former);
        void settings.remember(formerKey, '');
      }
      const [seconds, replaced] = (settings.get(key) ?? '').split(' ').map(Number);
      const isStored = seconds !== undefined && Number.isFinite(seconds) && replaced === configuredSeconds;
      const present = isStored ? seconds : configuredSeconds;
      apply(present);
      publish(present);
    },
    async set(seconds) {
      apply(seconds);
      await remember(seconds);
      publish(seconds);
    },
  };
}
