// The frames of the demo through the real loop, engine and room, as if the board analysed 5 to 0.1 of them a second. The camera is
// made: its frames come as fast as they are taken, with capture times of the pace.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import type { Camera, Frame } from '../../../src/camera/camera.js';
import { readPhoto } from '../../../src/camera/photo.js';
import { drawCast } from '../../../src/commands/demo/portraits.js';
import { cast, expected, leaveAfterSeconds } from '../../../src/commands/demo/script.js';
import { drawFrames, heightPx, widthPx } from '../../../src/commands/demo/stage.js';
import type { Engine } from '../../../src/engine/engine.js';
import { createEngine } from '../../../src/engine/supervisor.js';
import type { Gallery, Person } from '../../../src/gallery/person.js';
import { processFrames } from '../../../src/pipeline.js';
import type { PresenceEvent } from '../../../src/presence/presence.js';
import { roomOptionsFor } from '../../../src/room/options.js';
import { createRoom } from '../../../src/room/room.js';

/** The demo's frames, and a gallery of the people whom it enrols. */
async function prepare(engine: Engine, folder: string, space: string): Promise<{ frames: string; gallery: Gallery }> {
  const cutouts = await drawCast(engine, folder);
  const people: Person[] = [];
  for (const { key, name } of cast) {
    if (name === null) continue;
    const photo = await readPhoto(join(folder, 'photos', name, '1.jpg'));
    const { faces } = await engine.analyze({ ...photo, capturedAt: 0, sequence: 0 }, { search: 'all' });
    people.push({ id: key, name, templates: [{ id: people.length, vector: faces[0]!.embedding! }] });
  }
  const frames = join(folder, 'frames');
  mkdirSync(frames);
  await drawFrames(frames, cutouts, () => {});
  return { frames, gallery: { space, version: 1, cohort: [], people } };
}

async function readFrames(folder: string): Promise<Buffer[]> {
  const files = readdirSync(folder).sort();
  return Promise.all(files.map((file) => sharp(join(folder, file)).removeAlpha().raw().toBuffer()));
}

/** A camera that gives `pictures`, `intervalMs` apart. */
function paced(pictures: readonly Buffer[], intervalMs: number): Camera {
  let shown = 0;
  return {
    status: { state: 'online' },
    async next(): Promise<Frame | null> {
      const data = pictures[shown];
      if (data === undefined) return null;
      const capturedAt = shown * intervalMs;
      return {
        capturedAt,
        sequence: shown++,
        width: widthPx,
        height: heightPx,
        format: 'rgb',
        stride: 3 * widthPx,
        data,
      };
    },
  } as Partial<Camera> as Camera;
}

t.test('the demo has the same six events at each pace', async (t) => {
  await using engine = createEngine({});
  const { space, embedder } = await engine.start();
  const { frames, gallery } = await prepare(engine, t.testdir(), space);
  const pictures = await readFrames(frames);
  const shipped = roomOptionsFor(embedder);
  const options = { ...shipped, presence: { ...shipped.presence, leaveAfterMs: leaveAfterSeconds * 1000 } };
  const wanted = expected.map(({ type, name }) => `${type} ${name ?? ''}`.trim());
  for (const framesPerSecond of [5, 1, 0.5, 0.4, 0.2, 0.1]) {
    const events: PresenceEvent[] = [];
    let nobodyWithAFace = 0;
    let withFace = 0;
    const listener = { state() {}, event: (event: PresenceEvent) => void events.push(event) };
    const room = createRoom(() => gallery, options, listener, 0);
    await processFrames({
      camera: paced(pictures, 1000 / framesPerSecond),
      engine,
      room,
      crops: () => false,
      onBlind() {},
      onFault: (error) => t.fail(String(error)),
      onFrame(analysis) {
        if (analysis === null) return;
        withFace = analysis.faces.length > 0 ? withFace + 1 : 0;
        const debounced = framesPerSecond >= 2 ? 2 : 0;
        if (withFace > debounced && room.snapshot?.occupied === false) nobodyWithAFace++;
      },
    });
    const lines = events.map(({ type, name }) => `${type} ${name ?? ''}`.trim());
    t.strictSame(lines, wanted, `${framesPerSecond} frames a second`);
    t.equal(nobodyWithAFace, 0, `${framesPerSecond} frames a second: never "nobody" while a face is in the frame`);
  }
});
