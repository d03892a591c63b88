import t from 'tap';
import { afterAnalysis, type Effort, fullEffort, limitsOf } from '../../src/vision/effort.js';

const budgetMs = 500;

/** The effort after analyses that took these times. */
function after(tookMs: readonly number[], from: Effort = fullEffort): Effort {
  return tookMs.reduce((effort, ms) => afterAnalysis(effort, ms, budgetMs), from);
}

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

/** A board on which an analysis at `level` takes `tookMs[level]`, for `count` analyses; gives the level of each. */
function board(
  tookMs: readonly number[],
  count: number,
  from: Effort = fullEffort,
): { levels: number[]; effort: Effort } {
  let effort = from;
  const levels = Array.from({ length: count }, () => {
    const { level } = effort;
    effort = afterAnalysis(effort, tookMs[level]!, budgetMs);
    return level;
  });
  return { levels, effort };
}

t.test('a board that keeps up searches everything, whatever single analyses take', async (t) => {
  t.equal(after(times(100, 490)).level, 0);
  t.equal(after([...times(50, 100), 3000, 100, 3000, 100]).level, 0);
  t.equal(limitsOf(fullEffort, 2, 7), null);
});

t.test(
  'a board that does not keep up leaves out more and more, and all of it at once where it is hopeless',
  async (t) => {
    t.equal(after(times(2, 600)).level, 1);
    t.equal(after(times(4, 600)).level, 2);
    t.equal(after(times(100, 600)).level, 3);
    t.equal(after(times(2, 5000)).level, 3);
  },
);

t.test('what was left out comes back when there is room again', async (t) => {
  const shed = after(times(20, 900));
  t.equal(after(times(30, 100), shed).level, 0);
});

t.test('a step that does not last is tried less and less often', async (t) => {
  const { levels } = board([900, 200, 150, 100], 2000);
  const raises = levels.filter((level, index) => level === 0 && levels[index - 1] === 1).length;
  t.ok(levels.filter((level) => level === 0).length < 60, 'the full search costs few late frames');
  t.ok(raises >= 5 && raises < 30, `${raises} tries in 2,000 frames`);
  t.equal(Math.max(...levels), 1);
});

t.test('every tile is searched in the end at each level', async (t) => {
  for (const level of [1, 2, 3]) {
    for (const tilesPerFrame of [1, 2, 3, 6]) {
      const tiles = Array.from(
        { length: 48 },
        (_, turn) => limitsOf({ ...fullEffort, level }, tilesPerFrame, turn)!.tiles,
      );
      const sum = tiles.reduce((total, count) => total + count, 0);
      t.equal(sum, (48 * tilesPerFrame) / 2 ** level);
    }
    t.equal(limitsOf({ ...fullEffort, level }, 0, 5)!.tiles, 0);
  }
});
