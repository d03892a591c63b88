// The gallery as the rooms of a daemon read it.
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { createProblems } from '../../src/base/problems.js';
import { createGalleryReader } from '../../src/daemon/gallery.js';
import type { Gallery } from '../../src/gallery/person.js';

t.test('every room is told of a change, also after a room in which that failed', async (t) => {
  const store = { version: 1, unwritable: null };
  const problems = createProblems(systemClock, silentLog);
  const read = (): Gallery => ({ space: 'test', version: store.version, people: [], cohort: [] });
  const reader = createGalleryReader(store, read, problems);
  const told: number[] = [];
  reader.current();
  reader.onChange(() => {
    throw new Error('the disk of this room is full');
  });
  reader.onChange(({ version }) => told.push(version));
  store.version = 2;
  t.equal(reader.current().version, 2);
  t.strictSame(told, [2]);
  t.match(problems.list, [{ part: 'gallery', sentence: /disk of this room is full/ }]);
  reader.current();
  t.strictSame([told, problems.list], [[2], []], 'once');
});
