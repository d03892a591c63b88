import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { createProblems } from '../../src/base/problems.js';
import { createLeaveAfter } from '../../src/room/leave-after.js';
import { openStore } from '../../src/store/gallery-store.js';
import { createSettings } from '../../src/store/settings.js';
import { shortFolder } from '../helpers/short-folder.js';

t.test('a time set over MQTT survives restarts until the configured time changes', async (t) => {
  const directory = shortFolder(t);
  using store = openStore({ directory, keyFile: `${directory}/key` });
  const applied: number[] = [];
  let settings: Disposable | null = null;
  const start = (configured: number) => {
    settings?.[Symbol.dispose]();
    const next = createSettings(store, createProblems(systemClock, silentLog));
    const leaveAfter = createLeaveAfter(
      next,
      configured,
      (seconds) => applied.push(seconds),
      () => {},
    );
    settings = next;
    leaveAfter.start();
    return leaveAfter;
  };
  start(10);
  await start(20).set(90);
  start(20);
  start(30);
  start(30);
  t.strictSame(applied, [10, 20, 90, 90, 30, 30]);
});

t.test('the hold time of roomkin 0.1 becomes the leaving time where it was the longer one, once', async (t) => {
  for (const [stored, configured, applied] of [
    ['90 0', 60, 90],
    ['30 0', 60, 60],
    ['0 0', 60, 60],
  ] as const) {
    const values = new Map<string, string>([['hold', stored]]);
    const settings = {
      get: (key: string) => values.get(key) ?? null,
      remember: async (key: string, value: string) => void values.set(key, value),
    };
    const start = (): number => {
      let result = 0;
      const apply = (seconds: number): void => {
        result = seconds;
      };
      createLeaveAfter(settings, configured, apply, () => {}).start();
      return result;
    };
    t.equal(start(), applied);
    t.equal(start(), applied, 'and at the next start');
  }
});
