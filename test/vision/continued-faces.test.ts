import t from 'tap';
import { continued } from '../../src/vision/continued-faces.js';
import type { Box } from '../../src/vision/face.js';

const face = (x: number, y = 100, size = 100): Box => [x, y, size, size];

t.test('a face in the box of one track, with nobody near, continues it', async (t) => {
  t.strictSame(continued([face(100), face(600)], [face(104), face(590)]), [true, true]);
  t.strictSame(continued([face(130)], [face(100)]), [true], 'a third of its width aside');
});

t.test('a face is in doubt that', async (t) => {
  t.strictSame(continued([face(100)], []), [false], 'nobody expects');
  t.strictSame(continued([face(100), face(600)], [face(100)]), [true, false], 'only the other one is expected');
  t.strictSame(continued([face(140)], [face(100)]), [false], 'is too far aside');
  t.strictSame(continued([face(100, 100, 150)], [face(100)]), [false], 'is much larger');
  t.strictSame(continued([face(100)], [face(95), face(110)]), [false], 'two tracks may be');
  t.strictSame(continued([face(100), face(240)], [face(100), face(240)]), [false, false], 'has a neighbour');
  t.strictSame(continued([face(100), face(110)], [face(100)]), [false, false], 'shares its box with another one');
});
