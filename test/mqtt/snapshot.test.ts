import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import {
  type CorrectableObservations,
  createEventPictures,
  type PicturedObservation,
} from '../../src/mqtt/snapshot.js';
import type { PresenceEvent } from '../../src/presence/presence.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { unmeasuredQuality } from '../../src/vision/face.js';

const quality = {
  eyesPx: 30,
  sharpness: 1,
  yawDegrees: 0,
  pitchDegrees: 0,
  light: 0.5,
  contrast: 0.2,
  ...unmeasuredQuality,
};
const seen = (track: number, weight = 1, eyesPx = 30) =>
  ({ track, weight, quality: { ...quality, eyesPx } }) as DecidedObservation;
const grey = (value: number): Uint8Array => new Uint8Array(112 * 112 * 3).fill(value);
const event = (type: PresenceEvent['type'], atMs: number, track: number | null): PresenceEvent => ({
  type,
  person: type === 'arrived' || type === 'left' ? 'ada' : null,
  name: null,
  confidence: 'high',
  present: [],
  atMs,
  movedTo: null,
  track,
});

function recorder(journal: CorrectableObservations | null = null) {
  const sent: { type: string; jpeg: Uint8Array | null; pictured: PicturedObservation | null }[] = [];
  const pictures = createEventPictures(
    (happened, jpeg, pictured) => void sent.push({ type: happened.type, jpeg, pictured }),
    journal,
  );
  const until = async (count: number) => {
    for (let n = 0; n < 500 && sent.length < count; n++) await sleep(10);
  };
  const value = async (index: number): Promise<number> => {
    const { channels } = await sharp(sent[index]!.jpeg!).stats();
    return Math.round(channels[0]!.mean);
  };
  return { sent, pictures, until, value };
}

t.test('each event has the crop of its own face, not of the largest', async (t) => {
  const { sent, pictures, until, value } = recorder();
  // The room tells of the event while it processes the frame; the crops of the frame follow.
  pictures.event(event('stranger_arrived', 100, 2));
  pictures.event(event('arrived', 100, 1));
  pictures.frame({ capturedAt: 100, crops: [grey(200), grey(60)] }, [seen(1, 1, 80), seen(2, 1, 20)]);
  await until(2);
  t.strictSame(
    sent.map(({ type }) => type),
    ['stranger_arrived', 'arrived'],
    'in their order',
  );
  t.ok(Math.abs((await value(0)) - 60) < 4, 'the small face is the stranger');
  t.ok(Math.abs((await value(1)) - 200) < 4);
  const { width, height, format } = await sharp(sent[0]!.jpeg!).metadata();
  t.strictSame([width, height, format], [224, 224, 'jpeg']);
});

t.test(
  'where corrections are allowed, a picture shows an observation that the journal can keep, and it is kept at once',
  async (t) => {
    const kept: [number, number][] = [];
    let mergedMs = 200;
    const { sent, pictures, until } = recorder({
      keep: (track, atMs) => void kept.push([track, atMs]),
      mergedUntilMs: () => mergedMs,
    });
    pictures.frame({ capturedAt: 200, crops: [grey(20)] }, [seen(1, 1)]);
    pictures.frame({ capturedAt: 400, crops: [grey(90)] }, [seen(1, 0.5)]);
    pictures.event(event('arrived', 400, 1));
    await Promise.resolve();
    await Promise.resolve();
    t.strictSame(kept, [[1, 400]], 'before its JPEG is made');
    mergedMs = 400;
    pictures.event(event('left', 400, 1));
    await until(2);
    t.strictSame(sent[0]!.pictured, { track: 1, atMs: 400 }, 'not the better one, which is only in a mean');
    t.strictSame(sent[1]!.pictured, { track: 1, atMs: 200 }, 'the best one where none can be kept');
  },
);

t.test('the best crop of the track in the last 2 s is taken; older ones may show somebody else', async (t) => {
  const { sent, pictures, until, value } = recorder();
  pictures.frame({ capturedAt: 0, crops: [grey(20)] }, [seen(1, 1)]);
  pictures.frame({ capturedAt: 2500, crops: [grey(90)] }, [seen(1, 0.9)]);
  pictures.frame({ capturedAt: 3000, crops: [grey(160)] }, [seen(1, 0.2)]);
  pictures.event(event('arrived', 3000, 1));
  await until(1);
  t.ok(Math.abs((await value(0)) - 90) < 4);
  t.strictSame(sent[0]!.pictured, { track: 1, atMs: 2500 }, 'the observation that the picture shows');
});

t.test(
  'the picture of a track whose embedding is not due is that of its last embedding, which can be corrected',
  async (t) => {
    const { sent, pictures, until, value } = recorder();
    pictures.frame({ capturedAt: 0, crops: [grey(20)] }, [seen(1, 0.9)]);
    pictures.frame({ capturedAt: 1000, crops: [grey(90)] }, [seen(1, 0.8)]);
    for (let atMs = 1200; atMs <= 3800; atMs += 200)
      pictures.frame({ capturedAt: atMs, crops: [grey(200)] }, [{ ...seen(1, 0), isContinued: true }]);
    pictures.event(event('arrived', 3800, 1));
    await until(1);
    t.ok(Math.abs((await value(0)) - 90) < 4);
    t.strictSame(sent[0]!.pictured, { track: 1, atMs: 1000 });
    pictures.frame({ capturedAt: 6000, crops: [] }, []);
    pictures.event(event('arrived', 6000, 1));
    await until(2);
    t.equal(sent[1]!.pictured, null, 'the track was not seen for 2 s');
  },
);

t.test('an event without a face, without a crop or with a broken crop is passed on without a picture', async (t) => {
  const { sent, pictures, until } = recorder();
  pictures.frame({ capturedAt: 0, crops: [new Uint8Array(7)] }, [seen(1)]);
  pictures.event(event('left', 0, null));
  pictures.event(event('arrived', 0, 1));
  pictures.event(event('stranger_arrived', 0, 9));
  pictures.frame({ capturedAt: 1 }, [seen(9)]);
  await until(3);
  t.strictSame(sent, [
    { type: 'left', jpeg: null, pictured: null },
    { type: 'arrived', jpeg: null, pictured: null },
    { type: 'stranger_arrived', jpeg: null, pictured: null },
  ]);
});
