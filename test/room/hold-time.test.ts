import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { createProblems } from '../../src/base/problems.js';
import { createHoldTime } from '../../src/room/hold-time.js';
import { openStore } from '../../src/store/gallery-store.js';
import { createSettings } from '../../src/store/settings.js';
import { shortFolder } from '../helpers/short-folder.js';

t.test('a time set over MQTT survives restarts until the configured time changes', async (t) => {
  const directory = shortFolder(t);
  using store = openStore({ directory, keyFile: `${directory}/key` });
  const applied: number[] = [];
  const start = (configured: number) => {
    const settings = createSettings(store, createProblems(systemClock, silentLog));
    const holdTime = createHoldTime(settings, configured, (seconds) => applied.push(seconds));
    holdTime.start();
    return holdTime;
  };
  start(10);
  start(20).set(90);
  start(20);
  start(30);
  start(30);
  t.strictSame(applied, [10, 20, 90, 90, 30, 30]);
});
