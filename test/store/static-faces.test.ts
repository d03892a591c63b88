// A portrait in front of a camera. The real models see a photo on a drawn wall, in changing light and with sensor noise, for more than an
// hour of camera time. Then the room restarts with the real store.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { packageRoot } from '../../src/base/files.js';
import { silentLog } from '../../src/base/log.js';
import { createProblems } from '../../src/base/problems.js';
import { photoFrame, readPhoto } from '../../src/camera/photo.js';
import { gaussian, seededRandom } from '../../src/commands/evaluate/random.js';
import { createEngine } from '../../src/engine/supervisor.js';
import type { Gallery } from '../../src/gallery/person.js';
import { defaultRoomOptions, roomOptionsFor } from '../../src/room/options.js';
import { createRoom } from '../../src/room/room.js';
import { openStore } from '../../src/store/gallery-store.js';
import { createSettings } from '../../src/store/settings.js';
import { readStaticFaces, rememberStaticFaces } from '../../src/store/static-faces.js';
import type { Store } from '../../src/store/store.js';
import type { Face } from '../../src/vision/face.js';

const width = 640;
const height = 480;
const folder = mkdtempSync(join(tmpdir(), 'roomkin-fixed-'));
t.teardown(() => rmSync(folder, { recursive: true }));
const photo = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo', 'sample3.jpg');
t.setTimeout(120_000);

let gallery: Gallery;
/** The faces that the engine found in frames of the picture: bright, side-lit and dim, each with its own noise. */
const analyses: (readonly Face[])[] = [];
/** The same picture at another position. */
const elsewhere: (readonly Face[])[] = [];

t.before(async () => {
  await using engine = createEngine({ threads: 1 });
  const { space } = await engine.start();
  const portrait = sharp(photo).extract({ left: 900, top: 150, width: 480, height: 480 });
  const path = join(folder, 'portrait.png');
  await portrait.clone().png().toFile(path);
  const analysis = await engine.analyze(photoFrame(await readPhoto(path)), { search: 'all' });
  const template = { id: 1, vector: analysis.faces[0]!.embedding! };
  gallery = { space, version: 1, cohort: [], people: [{ id: 'ada', name: 'Ada', templates: [template] }] };
  const random = seededRandom(3);
  // A prime number of values, and each frame begins at another one.
  const noise = Float32Array.from({ length: 65_537 }, () => 5 * gaussian(random));
  const picture = await portrait.resize(200, 200).png().toBuffer();
  for (const [index, left] of [...Array(12).fill(210), ...Array(4).fill(330)].entries()) {
    const wall = sharp({ create: { width, height, channels: 3, background: '#8a8478' } });
    const clean = await wall
      .composite([{ input: picture, left, top: 100 }])
      .removeAlpha()
      .raw()
      .toBuffer();
    const light = [1, 0.6, 0.8, 1.2][index % 4]!;
    const start = Math.floor(random() * noise.length);
    const data = clean.map((value, i) => {
      const side = index % 4 === 2 ? 0.6 + ((i / 3) % width) / width : 1;
      return Math.min(255, Math.max(0, value * light * side + noise[(start + i) % noise.length]!));
    });
    const frame = {
      width,
      height,
      format: 'rgb',
      stride: 3 * width,
      data,
      capturedAt: index,
      sequence: index,
    } as const;
    const { faces } = await engine.analyze(frame, { search: 'auto' });
    (left === 210 ? analyses : elsewhere).push(faces);
  }
});

const settingsOf = (store: Store) => createSettings(store, createProblems(systemClock, silentLog));

function openRoom(store = openStore({ directory: join(folder, 'store'), keyFile: join(folder, 'key') })) {
  const events: string[] = [];
  const log: string[] = [];
  const listener = {
    state() {},
    event: ({ type, person }: { type: string; person: string | null }) => events.push(`${type} ${person}`),
  };
  const options = {
    ...roomOptionsFor('resnet50-w100'),
    presence: { ...defaultRoomOptions.presence, leaveAfterMs: 20_000 },
  };
  const room = createRoom(() => gallery, options, listener, 0, 'lab', readStaticFaces({ get: store.setting }));
  const settings = settingsOf(store);
  const remember = rememberStaticFaces(room, settings, (level, sentence) => log.push(`${level}: ${sentence}`));
  let atMs = 0;
  let sequence = 0;
  const show = (forMs: number, everyMs: number, from = analyses) => {
    for (const end = atMs + forMs; atMs < end; atMs += everyMs) {
      // The light changes every quarter of an hour, the noise with each frame.
      const light = Math.floor(atMs / 900_000) % 4;
      const faces = from[(light + 4 * sequence) % from.length]!;
      room.see({ capturedAt: atMs, sequence: sequence++, width, height, faces });
      remember(width, height);
    }
  };
  const close = (): void => {
    settings[Symbol.dispose]();
    store.close();
  };
  return { room, events, log, show, settings, close };
}

t.test(
  'a portrait leaves the room empty after an hour, is logged once and stays static across a restart',
  async (t) => {
    t.strictSame(analyses.map((faces) => faces.length).join(''), '1'.repeat(12));
    const { room, events, log, show, close } = openRoom();
    show(4000, 200);
    t.strictSame(events, ['arrived ada'], 'a good photo gets her name at first');
    show(3_580_000, 1000);
    t.equal(room.undecided, false);
    t.strictSame(room.staticFaces, []);
    show(60_000, 1000);
    t.strictSame(events, ['arrived ada', 'left ada']);
    t.match(room.snapshot, { occupied: false, people: [], strangers: 0 });
    t.match(room.observations, [{ person: null, weight: 0, reason: { kind: 'static-face' } }]);
    t.equal(room.undecided, false, 'the motion gate may skip frames');
    t.match(log, [/^notice: a face at \d+,\d+ px has not moved for 1 h: it is treated as a picture and gets no name$/]);
    show(7_200_000, 3000);
    t.strictSame(events, ['arrived ada', 'left ada']);
    t.equal(log.length, 1);
    close();

    const again = openRoom();
    again.show(120_000, 200);
    t.strictSame(again.events, [], 'static from the first frame on');
    t.match(again.room.snapshot, { occupied: false });
    t.match(again.room.observations, [{ reason: { kind: 'static-face' } }]);
    t.strictSame(again.log, [], 'nothing new is logged');
    again.show(60_000, 1000, elsewhere);
    t.strictSame(again.events, ['arrived ada'], 'at another position the hour starts again');
    t.match(again.log, [/^notice: the static face at \d+,\d+ px moved or was removed/]);
    again.close();
  },
);

t.test('the disk holds no picture and no embedding, and a damaged setting is ignored', async (t) => {
  using store = openStore({ directory: join(folder, 'store'), keyFile: join(folder, 'key') });
  t.equal(store.setting('fixed_faces'), '{"size":[640,480],"faces":[]}', 'it was removed');
  const { room, show, settings } = openRoom(store);
  show(3_700_000, 1000);
  t.equal(room.staticFaces.length, 1);
  settings[Symbol.dispose](); // writes what waits
  const text = store.setting('fixed_faces')!;
  t.match(JSON.parse(text), { size: [width, height], faces: [{ box: Array, stillMs: Number }] });
  t.ok(text.length < 100, 'too short for an embedding');
  for (const damaged of [
    '',
    '{',
    '{"size":[0,1],"faces":[]}',
    '{"size":[640,480],"faces":[{"box":[1,2,-3,4],"stillMs":1}]}',
  ]) {
    store.setSetting('fixed_faces', damaged);
    t.equal(readStaticFaces({ get: store.setting }).positions.length, 0);
  }
});
