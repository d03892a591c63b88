// Three frames in memory are enough: a reader never sees its frame change.
import t from 'tap';
import { createFrameMemory } from '../../src/base/frame-memory.js';
import { framesAddon } from '../../src/base/frames-addon.js';
import { createFrameRing } from '../../src/camera/frame-ring.js';
import { seededRandom } from '../../src/commands/evaluate/random.js';
import { openFake, until } from './camera-harness.js';
import { readPattern } from './test-pattern.js';

t.test('whatever the order, the frame of the reader and the newest one stay whole, in the same memory', async (t) => {
  const ring = createFrameRing();
  ring.resize(8);
  const random = seededRandom(4);
  const memories = new Set<Uint8Array>();
  let [newest, taken] = [null, null] as (null | { data: Uint8Array; number: number })[];
  for (let number = 1; number < 200; number++) {
    ring.filling.fill(number);
    memories.add(ring.filling);
    if (random() < 0.7) {
      newest = { data: ring.filling, number };
      ring.publish();
    }
    if (newest !== null && random() < 0.5) {
      ring.take();
      [taken, newest] = [newest, null];
    }
    for (const frame of [newest, taken]) if (frame) t.equal(frame.data[3], frame.number);
  }
  t.equal(memories.size, 3);
});

t.test('a newer frame that the reader takes stays whole while the camera goes on', async (t) => {
  await using camera = openFake([]);
  camera.start();
  const first = (await camera.next())!;
  await until(camera, ({ frames }) => frames > first.sequence);
  let newer = camera.newer();
  for (; newer === null; newer = camera.newer()) await until(camera, ({ frames }) => frames > first.sequence + 1);
  const pattern = readPattern(newer);
  t.not(pattern, null);
  const { frames } = camera.status;
  await until(camera, (status) => status.frames >= frames + 4);
  t.equal(readPattern(newer), pattern);
});

t.test('a camera that changes its size leaves the frame of the reader to no other camera', async (t) => {
  const memory = createFrameMemory();
  const [ring, other] = [createFrameRing(memory), createFrameRing(memory)];
  ring.resize(70_000);
  const frame = ring.filling.fill(7);
  ring.publish();
  ring.take();
  const newest = ring.filling.fill(8);
  ring.publish();
  ring.resize(100);
  other.resize(70_000);
  for (let slot = 0; slot < 3; slot++, other.publish()) other.filling.fill(9);
  t.strictSame([frame[69_999], newest[69_999]], [7, 8]);
  ring.take();
  t.strictSame([frame[69_999], newest[69_999]], [0, 8], 'until the reader takes the next one');
  ring.giveBack();
  t.equal(newest[69_999], 0);
});

t.test('memory that is given back is overwritten, that of the reader when it gives its frame back', async (t) => {
  const ring = createFrameRing();
  ring.resize(4);
  const frames = [1, 2, 3].map((number) => {
    const memory = ring.filling.fill(number);
    ring.publish();
    if (number === 1) ring.take();
    return memory;
  });
  ring.release();
  t.strictSame(
    frames.map(([first]) => first),
    [1, 0, 0],
  );
  ring.giveBack();
  t.equal(frames[0]![0], 0);
  ring.resize(4);
  t.equal(ring.filling.length, 4, 'usable again');
});

t.test('a new size gets new memory, and the old one is used again later', async (t) => {
  const memory = createFrameMemory();
  const ring = createFrameRing(memory);
  ring.resize(100_000);
  const old = ring.filling;
  ring.resize(200_000);
  t.not(ring.filling.buffer, old.buffer);
  t.equal(ring.filling.length, 200_000);
  ring.resize(100_000);
  if (framesAddon().addon === null) return void t.comment(`skipped: ${framesAddon().reason}`);
  t.equal(ring.filling.buffer.byteLength, old.buffer.byteLength);
  t.ok(memory.placeOf(ring.filling));
  const [place, other] = [memory.placeOf(memory.allocate(10))!, memory.placeOf(memory.allocate(10))!];
  t.not(place.offset, other.offset, 'no place belongs to two arrays');
  t.equal(memory.placeOf(new Uint8Array(5)), null);
});
