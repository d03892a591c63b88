import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { createInOrder } from '../../src/base/in-order.js';

t.test('tasks run one after another in the order of asking, also after one that failed', async (t) => {
  const inOrder = createInOrder();
  const events: string[] = [];
  const task = (name: string, ms: number) => async () => {
    events.push(`${name} begins`);
    await wait(ms);
    events.push(`${name} ends`);
    if (name === 'second') throw new Error('second failed');
    return name;
  };
  const results = await Promise.allSettled([
    inOrder(task('first', 20)),
    inOrder(task('second', 10)),
    inOrder(task('third', 0)),
  ]);
  t.strictSame(
    events,
    ['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
  t.match(results, [{ value: 'first' }, { reason: { message: 'second failed' } }, { value: 'third' }]);
});
