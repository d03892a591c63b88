// A camera that hangs sideways, through the real models: its portrait frames are analysed upright, and everybody is told of them as such.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { daemonSocket } from '../../src/commands/parts.js';
import { loadConfig } from '../../src/config/load.js';
import { askReport } from '../../src/control/ask-report.js';
import { collect, runVerb, spawnCli } from '../helpers/cli.js';
import { shortFolder } from '../helpers/short-folder.js';
import { drawPhoto, drawPhotos } from '../phone/drawn-photos.js';

t.setTimeout(300_000);
const folder = shortFolder(t);

/** What the sensor gives, and the frame after the turn. */
const [sensor, turned] = [
  { width: 640, height: 480 },
  { width: 480, height: 640 },
];
const face = { left: 90, top: 130, width: 240, height: 300 };

/** A room whose camera must be turned by `rotation` degrees: it sees Ada a little left of the middle of a portrait frame. */
async function room(rotation: 90 | 270): Promise<string> {
  const at = (name: string): string => join(folder, String(rotation), name);
  mkdirSync(at('frames'), { recursive: true });
  for (let i = 0; i < 3; i++) {
    const drawn = sharp(drawPhoto('ada', { light: 0.1, tiltDegrees: i - 1, smile: 2 }));
    const upright = await sharp({ create: { ...turned, channels: 3, background: '#8f9aa3' } })
      .composite([
        {
          input: await drawn.resize(face.width, face.height).png().toBuffer(),
          left: face.left + 3 * i,
          top: face.top,
        },
      ])
      .png()
      .toBuffer();
    await sharp(upright)
      .rotate(360 - rotation)
      .jpeg({ quality: 92 })
      .toFile(at(`frames/${i}.jpg`));
  }
  writeFileSync(
    at('config.toml'),
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${at('frames')}"\nloop = true\nwidth = ${sensor.width}\nheight = ${sensor.height}
rotation = ${rotation}\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${at('store')}"\n`,
  );
  return at('config.toml');
}

for (const rotation of [90, 270] as const) {
  t.test(`rotation = ${rotation}: look shows the frame upright, with the face where it is`, async (t) => {
    const config = await room(rotation);
    const picture = join(folder, `${rotation}.png`);
    const { code, stdout, stderr } = await runVerb(['look', '--json', '--save', picture, '--config', config]);
    t.equal(code, 0, stderr);
    const view = JSON.parse(stdout);
    t.match(view, { width: turned.width, height: turned.height });
    t.equal(view.faces.length, 1);
    const [{ box, landmarks, quality }] = view.faces;
    const [x, y, width, height] = box;
    t.ok(x >= 0 && y >= 0 && x + width <= turned.width && y + height <= turned.height, `${box} is inside the frame`);
    const [middleX, middleY] = [x + width / 2, y + height / 2];
    t.ok(Math.abs(middleX - (face.left + face.width / 2)) < 40, `${middleX}, ${middleY} is where the face is`);
    t.ok(Math.abs(middleY - (face.top + face.height / 2)) < 60);
    t.ok(Math.abs(quality.rollDegrees) < 10, `turned by ${quality.rollDegrees}°`);
    const [right, left, , mouthRight] = landmarks;
    t.ok(right[0] < left[0] && right[1] < mouthRight[1], 'the eyes are side by side and above the mouth');
    const { width: savedWidth, height: savedHeight } = await sharp(picture).metadata();
    t.ok(savedHeight > savedWidth, `a portrait picture is saved: ${savedWidth} x ${savedHeight}`);
    const again = await runVerb(['detect', picture, '--json', '--config', config]);
    t.match(JSON.parse(again.stdout), { files: [{ faces: [{}] }] }, 'in which the face is upright');
  });
}

t.test('the daemon recognises who is before a sideways camera', async (t) => {
  const config = await room(90);
  const photos = await drawPhotos(join(folder, 'ada'), 'ada', 3);
  t.equal((await runVerb(['enrol', 'Ada', '--photos', ...photos, '--config', config])).code, 0);
  const daemon = spawnCli(['run', '--config', config]);
  t.teardown(() => daemon.kill('SIGKILL'));
  const { written, ended } = collect(daemon);
  await new Promise<void>((resolve, reject) => {
    daemon.once('close', () => reject(new Error(written.stdout + written.stderr)));
    const look = (): void => {
      if (/Ada arrived/.test(written.stdout + written.stderr)) resolve();
    };
    for (const stream of [daemon.stdout, daemon.stderr]) stream?.on('data', look);
  });
  const place = daemonSocket(loadConfig(config));
  const { width, height, positions } = await askReport(
    place,
    'faces',
    { last: 1 },
    { signal: new AbortController().signal },
  );
  t.strictSame({ width, height }, turned, 'the plan of the page is a portrait frame');
  const { xPx, yPx } = positions.at(-1)!;
  t.ok(Math.abs(xPx - (face.left + face.width / 2)) < 40 && Math.abs(yPx - (face.top + face.height / 2)) < 60);
  daemon.kill('SIGTERM');
  await ended;
});
