import t from 'tap';
import { turned } from '../../src/camera/turn.js';
import type { Picture } from '../../src/vision/picture.js';
import { drawPattern } from './test-pattern.js';

/** The value of one channel at (x, y). */
function at(picture: Picture, x: number, y: number, channel = 0): number {
  return picture.data[y * picture.stride + x * (picture.format === 'rgb' ? 3 : 1) + channel]!;
}

t.test('a frame with padded rows is turned by 90 and 270 degrees, chroma too', async (t) => {
  const frame: Picture = { width: 70, height: 46, stride: 128, format: 'i420', data: drawPattern(3, 70, 46, 128) };
  const right = turned(frame, 90);
  t.match(right, { width: 46, height: 70, stride: 46 });
  t.equal(right.data.length, 46 * 70 * 1.5);
  const left = turned(frame, 270);
  for (let y = 0; y < 46; y++) {
    for (let x = 0; x < 70; x++) {
      if (at(right, 45 - y, x) !== at(frame, x, y)) return t.fail(`90 degrees: ${x}, ${y}`);
      if (at(left, y, 69 - x) !== at(frame, x, y)) return t.fail(`270 degrees: ${x}, ${y}`);
    }
  }
  t.ok(right.data.subarray(46 * 70, 46 * 70 * 1.25).every((value) => value === frame.data[128 * 46]));
  t.same(turned(left, 90).data, turned(right, 270).data, 'there and back');
});

t.test('RGB keeps its channels together', async (t) => {
  const data = Uint8Array.from({ length: 3 * 5 * 3 }, (_, index) => index);
  const right = turned({ width: 5, height: 3, stride: 15, format: 'rgb', data }, 90);
  t.match(right, { width: 3, height: 5, stride: 9 });
  t.same(
    [...right.data.subarray(0, 9)],
    [30, 31, 32, 15, 16, 17, 0, 1, 2],
    'the first row is the first column, from below',
  );
});

t.test('what the camera turns itself is not touched', async (t) => {
  const picture: Picture = { width: 2, height: 2, stride: 2, format: 'i420', data: new Uint8Array(6) };
  t.equal(turned(picture, 0), picture);
  t.equal(turned(picture, 180), picture);
});
