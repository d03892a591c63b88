// The addon for frames gives the same bytes as the JavaScript that runs where it is not built.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { framesAddon, framesAddonPath, type LoadedAddon, loadFramesAddon } from '../../src/base/frames-addon.js';
import { alignmentOf, warp } from '../../src/vision/alignment.js';
import { halver } from '../../src/vision/halve.js';
import type { Picture, View } from '../../src/vision/picture.js';
import { resampler, viewWriter } from '../../src/vision/resample.js';
import { madePicture, toI420 } from '../vision/made-picture.js';

const without: LoadedAddon = { addon: null, reason: 'switched off' };
const native = framesAddon();
const skip = native.addon === null && `skipped: ${native.reason}`;

function pictures(): Picture[] {
  const rgb = [madePicture('mixed', 322, 214), madePicture('noise', 64, 48), madePicture('checker', 31, 57)];
  return rgb.flatMap((picture) => {
    const even = picture.width % 2 === 0 && picture.height % 2 === 0;
    return even ? [picture, toI420(picture), toI420(picture, 10)] : [picture];
  });
}

/** Views that shrink, grow, are moved by parts of a pixel, and lie beside the picture in part or as a whole. */
function views({ width, height }: Picture): View[] {
  return [
    { x: 0, y: 0, width, height },
    { x: -width / 4, y: -3.25, width: 1.5 * width, height: 1.5 * height },
    { x: 10.4, y: 7.7, width: 17.3, height: 13.9 },
    { x: -40, y: height - 9, width: 100, height: 75 },
    { x: 2 * width, y: 0, width: 50, height: 50 },
  ];
}

/** The index of the first number that differs, or the shorter length; -1 where all are equal. tap compares arrays a hundred times slower. */
function firstDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  for (let i = 0; i < Math.max(found.length, expected.length); i++) if (found[i] !== expected[i]) return i;
  return -1;
}

t.test('a view of a picture is scaled to the same numbers', { skip }, async (t) => {
  const stored = (level: number): number => Math.round(level) - 128;
  for (const picture of pictures()) {
    for (const view of views(picture)) {
      for (const [width, height, most] of [
        [48, 36, 4],
        [33, 21, Number.POSITIVE_INFINITY],
        [160, 120, 2],
      ] as const) {
        const name = `${picture.format} ${picture.width}x${picture.height} to ${width}x${height}, ${JSON.stringify(view)}`;
        const size = { width, height };
        const expected = resampler(size, most, undefined, without)(picture, view);
        t.equal(firstDifference(resampler(size, most, undefined, native)(picture, view), expected), -1, name);
        const [bytes, expectedBytes] = [new Int8Array(width * height * 3), new Int8Array(width * height * 3)];
        viewWriter(size, most, stored, bytes, native)(picture, view);
        viewWriter(size, most, stored, expectedBytes, without)(picture, view);
        t.equal(firstDifference(bytes, expectedBytes), -1, `${name}, whole numbers`);
      }
    }
  }
});

t.test('a frame is halved to the same numbers', { skip }, async (t) => {
  for (const padding of [0, 64]) {
    const picture = toI420(madePicture('mixed', 320, 240), padding);
    for (const [x, y] of [
      [0, 0],
      [-2, -2],
      [-8, 0],
    ] as const) {
      const view = { x, y, width: 320, height: 240 };
      const [bytes, expected] = [new Int8Array(160 * 120 * 3), new Int8Array(160 * 120 * 3)];
      t.ok(halver({ width: 160, height: 120 }, (level) => Math.round(level) - 128, bytes, native)(picture, view));
      t.ok(halver({ width: 160, height: 120 }, (level) => Math.round(level) - 128, expected, without)(picture, view));
      t.equal(firstDifference(bytes, expected), -1, `from ${x}, ${y}`);
    }
  }
});

t.test('a face is aligned to the same bytes', { skip }, async (t) => {
  for (const picture of pictures()) {
    for (const [size, roll] of [
      [12, 0],
      [35, 0.4],
      [150, -1.2],
    ] as const) {
      const at = (x: number, y: number): readonly [number, number] => [
        picture.width / 2 + size * (x * Math.cos(roll) - y * Math.sin(roll)),
        picture.height / 2 + size * (x * Math.sin(roll) + y * Math.cos(roll)),
      ];
      const similarity = alignmentOf([at(-0.5, 0), at(0.5, 0.02), at(0.03, 0.6), at(0, 1.1)])!;
      const name = `${picture.format} ${picture.width}x${picture.height}, eyes ${size} px apart`;
      t.equal(firstDifference(warp(picture, similarity, native), warp(picture, similarity, without)), -1, name);
    }
  }
});

t.test('arguments that do not fit are an error, not a crash', { skip }, async (t) => {
  const addon = native.addon!;
  const [data, out] = [new Uint8Array(100), new Uint8Array(112 * 112 * 3)];
  const fit = Float64Array.of(1, 0, 0, 0);
  t.throws(() => addon.warp(data, Int32Array.of(0, 30, 10, 10, 3), fit, out), /other arguments/);
  t.throws(() => addon.warp(data, Int32Array.of(0, 12, 4, 4, 3), Float64Array.of(0, 0, 0, 0), out), /similarity/);
  t.throws(() => addon.warp(data, Int32Array.of(0, 12, 4, 4, 3), fit, new Uint8Array(5)), /other arguments/);
  t.throws(() => addon.mapMemory(-1, 0, 100, 0), /descriptor/);
  t.throws(() => addon.mapMemory(0, 1, 100, 0), /descriptor/);
  t.throws(
    () => addon.halve(data, Int32Array.of(0, 20, 80, 90, 5, 100, 100, 0, 0, 0), new Int8Array(3072), new Int8Array(9)),
    /leave the picture/,
  );
});

t.test('an addon that is missing, broken or old is a reason to go without', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'roomkin-frames-'));
  t.match(loadFramesAddon(join(folder, 'none.node')), { addon: null, reason: /not built: npm rebuild needs gcc/ });
  const text = join(folder, 'text.node');
  writeFileSync(text, 'no library');
  t.match(loadFramesAddon(text), { addon: null, reason: /does not load/ });
  const [source, old] = [join(folder, 'old.c'), join(folder, 'old.node')];
  writeFileSync(
    source,
    '__attribute__((visibility("default"))) void *napi_register_module_v1(void *e, void *x) { (void)e; return x; }\n',
  );
  if (spawnSync('cc', ['-shared', '-fPIC', '-o', old, source]).status !== 0)
    return void t.comment('skipped: no C compiler here');
  t.match(loadFramesAddon(old), { addon: null, reason: /another version/ });
  t.match(framesAddonPath, /native\/build\/frames\.node$/);
});
