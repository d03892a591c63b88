import fc from 'fast-check';
import t from 'tap';
import { createFrameRing } from '../../src/camera/frame-ring.js';
import { createFrameSplitter, type SplitFrame } from '../../src/camera/frame-splitter.js';
import { drawPattern, readPattern } from './test-pattern.js';

/** Pushes one burst in chunks of `chunkBytes`, then an idle pipe. */
function burst(
  splitter: ReturnType<typeof createFrameSplitter>,
  bytes: Uint8Array,
  chunkBytes = 65536,
): SplitFrame | null {
  for (let from = 0; from < bytes.length; from += chunkBytes)
    splitter.push(bytes.subarray(from, from + chunkBytes), from);
  const frame = splitter.settle();
  if (!frame) splitter.abandon();
  return frame;
}

t.test('a frame is whole, and stays so after it was published', async (t) => {
  const ring = createFrameRing();
  const splitter = createFrameSplitter(64, 48, [1], ring);
  const first = burst(splitter, drawPattern(1, 64, 48, 64), 1000)!;
  ring.publish();
  burst(splitter, drawPattern(2, 64, 48, 64));
  t.equal(readPattern(first), 1);
  t.equal(first.lastByteAtMs, 4000);
  t.equal(splitter.torn, 0);
});

t.test('the last of several frames in one burst is taken', async (t) => {
  const splitter = createFrameSplitter(64, 48, [1]);
  const frame = burst(splitter, Buffer.concat([1, 2, 3].map((k) => drawPattern(k, 64, 48, 64))), 999)!;
  t.equal(readPattern(frame), 3);
  t.equal(frame.skipped, 2);
});

t.test('an unfinished frame waits, and is dropped when the pipe is idle', async (t) => {
  const splitter = createFrameSplitter(64, 48, [1]);
  const bytes = drawPattern(1, 64, 48, 64);
  splitter.push(bytes.subarray(0, 100), 0);
  t.equal(splitter.settle(), null);
  splitter.push(bytes.subarray(100), 1);
  t.equal(readPattern(splitter.settle()!), 1);
  splitter.push(bytes.subarray(0, 100), 2);
  t.equal(splitter.abandon(), 100);
  t.equal(splitter.abandon(), 0);
  t.equal(readPattern(burst(splitter, bytes)!), 1);
  t.equal(splitter.torn, 1);
});

t.test('row padding is detected from the first burst', async (t) => {
  for (const [width, stride] of [
    [704, 704],
    [704, 768],
    [780, 832],
    [780, 896],
    [780, 780],
  ] as const) {
    const splitter = createFrameSplitter(width, 48, [64, 128, 1, 32, 256]);
    burst(splitter, drawPattern(1, width, 48, stride));
    const frame = burst(splitter, drawPattern(2, width, 48, stride))!;
    t.equal(readPattern(frame), 2, `${width} in rows of ${stride}`);
    t.equal(frame.stride, stride);
  }
});

t.test('two damaged bursts that are read as one do not make two frames', async (t) => {
  // What rpicam-vid does without --flush: 2048 bytes are late after every other frame. The second idle period was missed.
  const splitter = createFrameSplitter(64, 48, [1]);
  const [first, second, third, fourth] = [1, 2, 3, 4].map((k) => drawPattern(k, 64, 48, 64)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  t.equal(burst(splitter, first.subarray(0, -2048)), null);
  t.equal(burst(splitter, Buffer.concat([first.subarray(-2048), second, third.subarray(0, -2048)])), null);
  t.equal(splitter.torn, 2);
  t.equal(burst(splitter, Buffer.concat([third.subarray(-2048), fourth])), null);
  t.equal(readPattern(burst(splitter, first)!), 1, 'one frame between two idle periods is accepted again');
  t.equal(readPattern(burst(splitter, Buffer.concat([first, second]))!), 2, 'and then several frames');
});

t.test('another size takes effect at once', async (t) => {
  const splitter = createFrameSplitter(64, 48, [64, 128]);
  splitter.push(new Uint8Array(10), 0);
  splitter.resize(128, 64);
  t.equal(readPattern(burst(splitter, drawPattern(5, 128, 64, 128))!), 5);
});

t.test('after lost or added bytes no shifted frame comes out, and the next whole frame does', async () => {
  const width = 64;
  const height = 16;
  const damage = fc.record({
    at: fc.nat({ max: 1535 }),
    lose: fc.nat({ max: 1600 }),
    add: fc.uint8Array({ maxLength: 40 }),
  });
  const bursts = fc.array(fc.option(damage), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(bursts, fc.integer({ min: 1, max: 2000 }), (damages, chunkBytes) => {
      const splitter = createFrameSplitter(width, height, [1, 128]);
      damages.forEach((damaged, k) => {
        const whole = drawPattern(k, width, height, width);
        const bytes = damaged
          ? Buffer.concat([whole.subarray(0, damaged.at), damaged.add, whole.subarray(damaged.at + damaged.lose)])
          : whole;
        const frame = burst(splitter, bytes, chunkBytes);
        // A burst of the right length cannot be distinguished from a frame: bytes replaced in place are the camera's fault.
        if (bytes.length === whole.length && damaged) return;
        if (frame && readPattern(frame) !== k) throw new Error(`frame ${k} came out damaged`);
        if (!damaged && !frame) throw new Error(`frame ${k} was whole and did not come out`);
      });
    }),
    { numRuns: 300 },
  );
});
