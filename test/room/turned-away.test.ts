// From drawn frames to the room, through the real pipeline and motion gate. Only the camera and the engine are scripted.
import t from 'tap';
import type { Camera, Frame } from '../../src/camera/camera.js';
import type { Engine } from '../../src/engine/engine.js';
import { processFrames } from '../../src/pipeline.js';
import type { PresenceSnapshot } from '../../src/presence/presence.js';
import { defaultRoomOptions } from '../../src/room/options.js';
import { createRoom } from '../../src/room/room.js';
import type { Box, Face } from '../../src/vision/face.js';
import { household, vector } from '../helpers/people.js';
import { face } from './simulator.js';

const [width, height] = [640, 480];
const framesPerSecond = 5;
const faceBox: Box = [300, 100, 60, 60];

/** The left edge of Ada's body in pixels (null: not in the picture) and her detected faces, by time in seconds. */
type Story = (atSeconds: number) => { readonly bodyX: number | null; readonly faces: readonly Face[] };

/** A grey wall with a lamp, and a dark body with lighter stripes in front of it. */
function draw(bodyX: number | null, light: number): Uint8Array {
  const data = new Uint8Array((width * height * 3) / 2).fill(110 + light, 0, width * height);
  for (let y = 0; y < 90; y++) data.fill(220, y * width, y * width + 90);
  for (let y = 100; bodyX !== null && y < 400; y++) {
    for (let x = Math.max(0, bodyX); x < Math.min(width, bodyX + 140); x++) data[y * width + x] = x % 56 < 28 ? 40 : 80;
  }
  return data;
}

/** Plays `seconds` of `story`. Gives the events, and how Ada was published at a time. */
async function play(story: Story, seconds: number, lightAt = (_: number): number => 0) {
  const events: string[] = [];
  const frames: { atSeconds: number; as: string | undefined }[] = [];
  let snapshot: PresenceSnapshot | null = null;
  const listener = {
    state: (next: PresenceSnapshot | null) => {
      snapshot = next;
    },
    event: ({ type, person, atMs }: { type: string; person: string | null; atMs: number }) =>
      events.push(`${(atMs / 1000).toFixed(1)} ${type} ${person}`),
  };
  let sequence = 0;
  const camera: Partial<Camera> = {
    async next(): Promise<Frame | null> {
      const capturedAt = (sequence * 1000) / framesPerSecond;
      if (capturedAt > seconds * 1000) return null;
      const { bodyX } = story(capturedAt / 1000);
      const data = draw(bodyX, lightAt(capturedAt / 1000));
      return { capturedAt, sequence: sequence++, width, height, format: 'i420', stride: width, data };
    },
  };
  const engine: Partial<Engine> = {
    async analyze({ capturedAt, sequence, width, height }) {
      const { faces } = story(capturedAt / 1000);
      const times = { detectMs: 1, alignMs: 0, embedMs: 0, tiles: 0 };
      return { capturedAt, sequence, width, height, faces, times };
    },
  };
  await processFrames({
    camera: camera as Camera,
    engine: engine as Engine,
    room: createRoom(() => household, defaultRoomOptions, listener, 0),
    crops: () => false,
    onFrame: () => frames.push({ atSeconds: (sequence - 1) / framesPerSecond, as: snapshot?.people[0]?.as }),
    onBlind: () => {},
    onFault: (error) => {
      throw error;
    },
  });
  const asAt = (atSeconds: number) => frames.find((frame) => frame.atSeconds === atSeconds)?.as;
  return { events, asAt };
}

const ada = face(faceBox, vector(0.8));
/** The body sits at 260 px and moves aside and back every two seconds. */
const fidget = (atSeconds: number) => (Math.floor(atSeconds / 2) % 2 === 0 ? 260 : 284);

t.test('a person who works with the back to the camera stays; one who walks out has left', async (t) => {
  const { events, asAt } = await play((at) => {
    if (at < 4) return { bodyX: 260, faces: [ada] };
    if (at < 150) return { bodyX: fidget(at), faces: [] };
    const walkedTo = 284 + Math.round((at - 150) * 180);
    return { bodyX: walkedTo < width ? walkedTo : null, faces: [] };
  }, 240);
  t.equal(asAt(3), 'seen');
  t.equal(asAt(100), 'assumed');
  t.equal(asAt(150), 'assumed');
  t.equal(events.length, 2, events.join());
  t.match(events[0], / arrived ada$/);
  const leftAt = Number.parseFloat(events[1]!);
  t.ok(leftAt > 195 && leftAt < 216, `${events[1]}: a minute after she walked out, less the absence before`);
});

t.test('a change of light does not keep a person who left unseen', async (t) => {
  const story: Story = (at) => (at < 4 ? { bodyX: 260, faces: [ada] } : { bodyX: null, faces: [] });
  const { events } = await play(story, 80, (at) => (at % 2 < 1 ? 0 : 60));
  t.match(events, [/ arrived ada$/, /^6[3-9]\.\d left ada$/]);
});
