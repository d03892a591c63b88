import t from 'tap';
import { createHoldTime } from '../../src/room/hold-time.js';
import { openStore } from '../../src/store/gallery-store.js';
import { shortFolder } from '../helpers/short-folder.js';

t.test('what was set survives a restart, until the configuration says another time', async (t) => {
  const directory = shortFolder(t);
  using store = openStore({ directory, keyFile: `${directory}/key` });
  const applied: number[] = [];
  const start = (configured: number) => {
    const hold = createHoldTime(store, configured, (seconds) => applied.push(seconds));
    hold.start();
    return hold;
  };
  start(10);
  start(20).set(90);
  start(20);
  start(30);
  start(30);
  t.strictSame(applied, [10, 20, 90, 90, 30, 30]);
});
