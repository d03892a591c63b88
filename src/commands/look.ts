// roomkin look: what the camera sees now, with the faces and their sizes, to aim it. The picture comes from the running daemon, or from
// the camera itself where none runs. It is drawn in the terminal, and saved only where --save names a file.
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import { isoTime, systemClock } from '../base/clock.js';
import { fail, RoomkinError } from '../base/errors.js';
import { silentLog } from '../base/log.js';
import type { Frame } from '../camera/camera.js';
import { openCamera } from '../camera/open.js';
import { stillOf } from '../camera/still.js';
import type { Config } from '../config/load.js';
import { cameraOptions } from '../config/parts.js';
import { askDaemon } from '../control/client.js';
import { positionCopyPath } from '../control/path.js';
import type { CameraView, FaceInView } from '../control/protocol.js';
import { cameraIsOff, pictureForbidden } from '../control/view.js';
import { createPositionFile } from '../store/position-file.js';
import type { CommandIo } from './command.js';
import { faceSize, sizeColours, sizeText, writeMarked } from './look/marks.js';
import { daemonSocket, mayOpen } from './parts.js';
import { count, qualityText, wrap } from './rows.js';
import type { SmallPicture } from './terminal-picture.js';
import type { Given } from './verbs.js';

export async function run({ save }: Given<'look'>, io: CommandIo): Promise<void> {
  const { picture, ...view } = await currentView(io);
  const { at, width, height, faces, leastEyesPx } = view;
  const jpeg = Buffer.from(picture.jpeg, 'base64');
  const scale = picture.width / width;
  if (save === undefined) io.picture(await smallPicture(jpeg, view, io));
  else {
    const marked = faces.map(({ box, landmarks, quality }) => ({ box, landmarks, eyesPx: quality.eyesPx }));
    await writeMarked(save, sharp(jpeg), marked, { scale, leastEyesPx });
  }
  const time = new Date(at).toLocaleTimeString('en-GB');
  io.out(
    `${time}  ${width}x${height} px, ${count(faces.length, 'face')}${save === undefined ? '' : `; saved as ${save}`}`,
  );
  for (const [index, face] of faces.entries()) for (const line of faceLines(index + 1, face, view, io)) io.out(line);
  if (faces.length === 0) io.out('  Somebody should look into the camera from where they will be.');
  io.document({
    ...view,
    faces: faces.map((face) => ({ ...face, size: faceSize(face.quality.eyesPx, leastEyesPx) })),
    saved: save ?? null,
  });
}

async function currentView(io: CommandIo): Promise<CameraView> {
  const config = io.room();
  if (!config.privacy.look) throw pictureForbidden();
  try {
    io.progress('waiting for a frame from the daemon...');
    return await askDaemon<CameraView>(daemonSocket(config), { verb: 'look' }, 20_000, io.signal);
  } catch (error) {
    if (!(error instanceof RoomkinError) || error.code !== 'DAEMON_NOT_RUNNING') throw error;
    if (!mayOpen(config.store.directory))
      throw fail('DAEMON_NOT_RUNNING', `${error.message} (only the daemon knows whether recognition is switched on)`);
    return await viewHere(config, io);
  } finally {
    io.progress('');
  }
}

function faceLines(
  number: number,
  face: FaceInView,
  { leastEyesPx }: { leastEyesPx: number },
  io: CommandIo,
): string[] {
  const { quality, name, rule } = face;
  const size = `eyes ${Math.round(quality.eyesPx)} px apart: ${sizeText(quality.eyesPx, leastEyesPx)}`;
  const { eyesPx: _, ...rest } = quality;
  const who = rule === null ? [] : [`${name ?? 'no name'}: ${rule}`];
  const width = Math.max(40, io.textColumns - 4);
  const lines = [size, qualityText(rest), ...who].flatMap((text) => wrap(text, width));
  return lines.map((line, i) => `${i === 0 ? String(number).padStart(2) : '  '}  ${line}`);
}

// Without a daemon.

/** A camera needs some frames to find the exposure, milliseconds. */
const settleMs = 1500;
const firstFrameMs = 20_000;

/** Errors: CAMERA_BLIND, MODEL_*, ENGINE_FAILED. */
async function viewHere(config: Config, io: CommandIo): Promise<CameraView> {
  const { position } = createPositionFile(config.store.roomDirectory, positionCopyPath(config.room.id)).read() ?? {
    position: 'on',
  };
  if (position === 'off') throw cameraIsOff();
  io.progress('no daemon runs: loading the models...');
  await using engine = await io.openEngine(config);
  await engine.start();
  const frame = await frameFrom(config, io);
  io.progress('searching for faces...');
  const { faces } = await engine.analyze(frame, { search: 'all', embed: false });
  io.signal.throwIfAborted();
  const { jpeg, width, height } = await stillOf(frame);
  return {
    at: isoTime(Date.now()),
    width: frame.width,
    height: frame.height,
    leastEyesPx: config.detector.minEyesPx,
    faces: faces.map(({ box, landmarks, score, quality }) => ({
      box,
      landmarks,
      score,
      quality,
      name: null,
      rule: null,
    })),
    picture: { width, height, jpeg: jpeg.toString('base64') },
  };
}

async function frameFrom(config: Config, io: CommandIo): Promise<Frame> {
  io.progress('waiting for a frame from the camera...');
  await using camera = openCamera(cameraOptions(config), systemClock, silentLog);
  const stop = (): void => void camera.stop();
  io.signal.addEventListener('abort', stop, { once: true });
  const late = AbortSignal.timeout(firstFrameMs);
  late.addEventListener('abort', stop, { once: true });
  try {
    camera.start();
    let frame = await camera.next();
    if (frame !== null && config.camera.source !== 'replay') {
      await wait(settleMs, undefined, { signal: io.signal });
      // The camera overwrites the memory of a frame after the next call.
      const first = { ...frame, data: frame.data.slice() };
      frame = (await camera.next()) ?? first;
    }
    io.signal.throwIfAborted();
    if (frame === null)
      throw fail(
        'CAMERA_BLIND',
        `no frame within ${firstFrameMs / 1000} s (${camera.status.reason ?? config.camera.source}): roomkin check says more`,
      );
    return frame;
  } finally {
    io.signal.removeEventListener('abort', stop);
    late.removeEventListener('abort', stop);
  }
}

// The drawing.

/** Lines that stay free for the list of faces. */
const listLines = 10;

async function smallPicture(
  jpeg: Buffer,
  { faces, leastEyesPx, width: frameWidth, height: frameHeight }: Omit<CameraView, 'picture'>,
  io: CommandIo,
): Promise<SmallPicture> {
  const most = { width: Math.min(io.columns - 1, 120), height: Math.max(24, 2 * (io.rows - listLines)) };
  const { data, info } = await sharp(jpeg)
    .resize({ ...most, fit: 'inside' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width } = info;
  const height = info.height - (info.height % 2);
  const [across, down] = [width / frameWidth, info.height / frameHeight];
  return {
    width,
    height,
    rgb: data.subarray(0, width * height * 3),
    boxes: faces.map(({ box: [x, y, w, h], quality }, index) => ({
      left: Math.floor(x * across),
      top: Math.floor(y * down),
      right: Math.floor((x + w) * across),
      bottom: Math.floor((y + h) * down),
      number: index + 1,
      colour: sizeColours[faceSize(quality.eyesPx, leastEyesPx)],
    })),
  };
}
