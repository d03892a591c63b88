import t from 'tap';
import { gaussian, seededRandom, seedOf, shuffled } from '../../../src/commands/evaluate/random.js';

t.test('the same seed gives the same numbers, on every machine', async (t) => {
  const random = seededRandom(42);
  t.strictSame(
    [random(), random(), random()].map((value) => value.toFixed(8)),
    ['0.60110375', '0.44829056', '0.85246579'],
  );
});

t.test('numbers are uniformly or normally distributed', async (t) => {
  const random = seededRandom(1);
  const even = Array.from({ length: 20_000 }, random);
  t.ok(even.every((value) => value >= 0 && value < 1));
  const normal = Array.from({ length: 20_000 }, () => gaussian(random));
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  t.ok(Math.abs(mean(even) - 0.5) < 0.01);
  t.ok(Math.abs(mean(normal)) < 0.02);
  t.ok(Math.abs(mean(normal.map((value) => value * value)) - 1) < 0.03);
});

t.test('shuffling keeps all items and does not change its argument', async (t) => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  const mixed = shuffled(items, seededRandom(3));
  t.notSame(mixed, items);
  t.strictSame([...mixed].sort(), items);
});

t.test('each text has a different seed', async (t) => {
  t.equal(seedOf('a.jpg', 1), seedOf('a.jpg', 1));
  t.not(seedOf('a.jpg', 1), seedOf('b.jpg', 1));
  t.not(seedOf('a.jpg', 1), seedOf('a.jpg', 2));
});
