import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { createProblems } from '../../src/base/problems.js';
import { createSettings } from '../../src/store/settings.js';

function fakeStore() {
  const values = new Map<string, string>([['hold', '5 60']]);
  const store = {
    works: true,
    writes: 0,
    setting: (key: string) => values.get(key) ?? null,
    setSetting(key: string, value: string | null) {
      store.writes += 1;
      if (!store.works) throw new Error('the disk is full: free some space');
      if (value !== null) values.set(key, value);
    },
    async setSettingLater(key: string, value: string | null) {
      store.setSetting(key, value);
    },
    values,
  };
  return store;
}

t.test('a value is written once, and only when it differs', async (t) => {
  const store = fakeStore();
  using settings = createSettings(
    store,
    createProblems(systemClock, () => {}),
  );
  t.equal(settings.get('hold'), '5 60');
  void settings.remember('hold', '5 60');
  t.equal(store.writes, 0);
  for (const value of ['a', 'a', 'b', 'b', 'b']) {
    void settings.remember('announced', value);
    await wait(5);
  }
  t.equal(store.writes, 2);
  t.equal(settings.get('announced'), 'b');
});

t.test('a disk that fails costs one log line; the value counts at once and is written later', async (t) => {
  const store = fakeStore();
  const log: string[] = [];
  const problems = createProblems(systemClock, (level, message) => log.push(`${level}: ${message}`));
  using settings = createSettings(store, problems);
  store.works = false;
  void settings.remember('announced', 'one');
  void settings.remember('announced', 'two');
  void settings.remember('hold', '9 60');
  t.equal(settings.get('announced'), 'two');
  await wait(5);
  t.match(problems.list, [{ part: 'settings', sentence: 'the disk is full: free some space' }]);
  store.works = true;
  await wait(1300);
  t.strictSame(
    [...store.values],
    [
      ['hold', '9 60'],
      ['announced', 'two'],
    ],
  );
  t.strictSame(problems.list, []);
  t.strictSame(log, ['warning: settings: the disk is full: free some space', 'notice: settings: works again']);
});

t.test('what waits is written at the end, where the disk works again by then', async (t) => {
  const store = fakeStore();
  {
    using settings = createSettings(
      store,
      createProblems(systemClock, () => {}),
    );
    store.works = false;
    void settings.remember('announced', 'last');
    store.works = true;
  }
  t.equal(store.values.get('announced'), 'last');
});
