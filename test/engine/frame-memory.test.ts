// A frame reaches the engine's child by shared memory, by a copy into it, or by the channel: the answer is the same.
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { createFrameMemory } from '../../src/base/frame-memory.js';
import { framesAddon } from '../../src/base/frames-addon.js';
import { readPhoto } from '../../src/camera/photo.js';
import type { EngineAnalysis } from '../../src/engine/engine.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Frame } from '../../src/vision/picture.js';
import { toI420 } from '../vision/made-picture.js';

const sample = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', 'sample2.jpg');

/** A camera frame of a photo with three people. */
async function frameOf(maxEdgePx: number): Promise<Frame> {
  const photo = await readPhoto(sample, { maxEdgePx });
  const picture = toI420({ ...photo, width: photo.width & ~1, height: photo.height & ~1 });
  return { ...picture, capturedAt: 0, sequence: 0 };
}

/** What does not depend on the time that it took. */
const result = ({ faces, width, height }: EngineAnalysis) => ({ faces, width, height });

t.test('shared, copied and sent frames give the same analysis', async (t) => {
  const memory = createFrameMemory();
  await using sharing = createEngine({ threads: 1, memory });
  await using sending = createEngine({ threads: 1, memory: { ...createFrameMemory({ addon: null, reason: 'off' }) } });
  const info = await sharing.start();
  await sending.start();
  t.equal(info.addonReason, framesAddon().reason);
  // Small, large, small again: the child maps more of the file, and reads the place that it knows again.
  for (const edgePx of [480, 960, 480]) {
    const frame = await frameOf(edgePx);
    const shared = { ...frame, data: memory.allocate(frame.data.length) };
    shared.data.set(frame.data);
    const request = { search: 'auto' } as const;
    const expected = result(await sending.analyze(frame, request));
    t.equal(expected.faces.length, 3);
    t.strictSame(result(await sharing.analyze(frame, request)), expected, `${edgePx} px, copied`);
    t.strictSame(result(await sharing.analyze(shared, request)), expected, `${edgePx} px, shared`);
    memory.free(shared.data);
  }
});
