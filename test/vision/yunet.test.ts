import t from 'tap';
import { CELL_NUMBERS, decodeLevels, type Level, shifted } from '../../src/vision/yunet.js';

const input = { width: 640, height: 480 };
const whole = { x: 0, y: 0, ...input };

interface FloatLevel extends Level {
  readonly stored: Float32Array;
}

/** Three levels without faces, in halves of a number above 2. */
function empty(): FloatLevel[] {
  return [8, 16, 32].map((stride) => {
    const size = { width: input.width / stride, height: input.height / stride };
    const stored = new Float32Array(size.width * size.height * CELL_NUMBERS).fill(-14);
    return { ...size, stored, zeroPoint: 2, steps: Array(CELL_NUMBERS).fill(0.5) };
  });
}

/** Writes a face of 3 by 4 cells in the middle of a cell: logits 3 and 2, eyes, nose and mouth. */
function put(level: FloatLevel, column: number, row: number): void {
  const numbers = [3, 2, 0.5, 0.5, Math.log(3), Math.log(4), -0.5, 0, 1.5, 0, 0.5, 1, 0, 1.5, 1, 1.7];
  const stored = numbers.map((number) => 2 * number + 2);
  level.stored.set(stored, (row * level.width + column) * CELL_NUMBERS);
}

t.test('a cell of each level becomes a face at its place', async (t) => {
  for (const [index, stride] of [8, 16, 32].entries()) {
    const levels = empty();
    put(levels[index]!, 7, 5);
    const faces = decodeLevels(levels, 640, whole, 0.5);
    t.equal(faces.length, 1);
    const [face] = faces;
    const [left, top, width, height] = face!.box;
    t.equal(width, height, 'a square');
    t.ok(Math.abs(left + width / 2 - 7.5 * stride) < 1e-4, 'in the middle of the cell');
    t.ok(Math.abs(width - 0.88 * 4 * stride) < 1e-3 && top + height / 2 > 5.5 * stride);
    const score = Math.sqrt((1 / (1 + Math.exp(-3))) * (1 / (1 + Math.exp(-2))));
    t.ok(Math.abs(face!.score - score) < 1e-6, 'the geometric mean of both probabilities');
    const [right, other, nose, mouth] = face!.landmarks;
    t.same(right, [6.5 * stride - 0.5, 5 * stride - 0.5]);
    t.same(other, [8.5 * stride - 0.5, 5 * stride - 0.5]);
    t.same(nose, [7.5 * stride - 0.5, 6 * stride - 0.5]);
    t.ok(Math.abs(mouth[0] - (7.5 * stride - 0.5)) < 1e-4 && Math.abs(mouth[1] - (6.6 * stride - 0.5)) < 1e-4);
  }
});

t.test('a view translates and scales its candidates', async (t) => {
  const levels = empty();
  put(levels[0]!, 7, 5);
  const [plain] = decodeLevels(levels, 640, whole, 0.5);
  const [moved] = decodeLevels(levels, 640, { x: 100, y: -50, width: 1280, height: 960 }, 0.5);
  const expected = [100 + 2 * plain!.box[0], -50 + 2 * plain!.box[1], 2 * plain!.box[2], 2 * plain!.box[3]];
  t.ok(moved!.box.every((value, i) => Math.abs(value - expected[i]!) < 1e-3));
  t.equal(moved!.landmarks[0][0], 100 + 2 * (plain!.landmarks[0][0] + 0.5) - 0.5);
});

t.test('both probabilities count, and a number that is none gives no face', async (t) => {
  const levels = empty();
  put(levels[0]!, 7, 5);
  const at = (5 * levels[0]!.width + 7) * CELL_NUMBERS;
  levels[0]!.stored[at + 1] = 2 * -4 + 2;
  t.same(decodeLevels(levels, 640, whole, 0.5), []);
  t.equal(decodeLevels(levels, 640, whole, 0.1).length, 1);
  levels[0]!.stored[at] = Number.NaN;
  t.same(decodeLevels(levels, 640, whole, 0.1), []);
});

t.test('the model sees the picture one input pixel to the right and down', async (t) => {
  t.same(shifted({ x: 10, y: 20, width: 1280, height: 960 }, 640), { x: 8, y: 18, width: 1280, height: 960 });
});
