import t from 'tap';
import { degradeLow } from '../../../src/commands/evaluate/degrade.js';
import { seededRandom } from '../../../src/commands/evaluate/random.js';
import type { Landmarks } from '../../../src/vision/face.js';
import type { Picture } from '../../../src/vision/picture.js';

/** Fine grey stripes, 300x240, and the landmarks of a face in them with its eyes 40 px apart. */
const stripes: Picture = (() => {
  const [width, height] = [300, 240];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 220 : 40));
  return { width, height, format: 'rgb', stride: width * 3, data };
})();
const landmarks: Landmarks = [
  [130, 100],
  [170, 100],
  [150, 120],
  [150, 145],
  [110, 105],
  [190, 105],
];

const mean = (values: Uint8Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const contrast = (values: Uint8Array) => {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / values.length);
};

t.test('the same seed gives the same picture, 211 pixels wide', async (t) => {
  const first = degradeLow(stripes, landmarks, seededRandom(1));
  t.match(first, { width: 211, height: 211, format: 'rgb', stride: 633 });
  t.equal(first.data.length, 211 * 211 * 3);
  t.strictSame(degradeLow(stripes, landmarks, seededRandom(1)).data, first.data);
});

t.test('all four recipes occur: darkness, noise, and two ways to lose the stripes', async (t) => {
  const seen = { dark: 0, noisy: 0, smooth: 0 };
  for (let seed = 0; seed < 20; seed++) {
    // The middle only: the view extends beyond the border of the picture.
    const { data } = degradeLow(stripes, landmarks, seededRandom(seed));
    const middle = Uint8Array.from(
      { length: 60 * 60 },
      (_, i) => data[((75 + Math.floor(i / 60)) * 211 + 75 + (i % 60)) * 3]!,
    );
    if (mean(middle) < 60) seen.dark++;
    else if (contrast(middle) > 15) seen.noisy++;
    else seen.smooth++;
  }
  t.ok(seen.dark >= 2 && seen.noisy >= 2 && seen.smooth >= 5, JSON.stringify(seen));
});
