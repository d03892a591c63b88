// Whether the configured camera gives a picture: the state that a running daemon reports, since only one program can use the camera;
// otherwise one frame is taken.
import { constants } from 'node:fs';
import { access, readdir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { systemClock } from '../../base/clock.js';
import { silentLog } from '../../base/log.js';
import type { Frame } from '../../camera/camera.js';
import { openCamera } from '../../camera/open.js';
import type { Config } from '../../config/load.js';
import { cameraOptions } from '../../config/parts.js';
import type { DaemonStatus } from '../../control/protocol.js';
import { type Finding, failed, ok, warn } from './finding.js';
import { runProgram } from './machine.js';

/** A Pi's camera gives its first frame within two seconds; a network camera may send a keyframe every 10 seconds. */
const firstFrameMs = 20_000;

const secondFrameMs = 4000;

/** `daemon`: its status; null where none runs. */
export async function checkCamera(config: Config, daemon: DaemonStatus | null): Promise<Finding> {
  if (daemon !== null) {
    const { state, reason, frames, snapshots } = daemon.camera;
    const how = snapshots === true ? polled(config) : '';
    if (state === 'online') return ok('camera', `online in the daemon, ${frames} frames${how}`);
    if (state === 'paused') return warn('camera', 'switched off', '`roomkin resume` switches it on');
    return failed('camera', `${state} in the daemon`, reason);
  }
  await using camera = openCamera(cameraOptions(config), systemClock, silentLog);
  const offline = new Promise<string>((resolve) => {
    camera.onState((status) => {
      if (status.state === 'offline') resolve(status.reason ?? 'the camera gives no frames');
    });
  });
  camera.start();
  const timer = new AbortController();
  const timeout = wait(firstFrameMs, null, { signal: timer.signal }).catch(() => null);
  const first: Frame | string | null = await Promise.race([camera.next(), offline, timeout]);
  timer.abort();
  if (first === null)
    return failed('camera', `no frame within ${firstFrameMs / 1000} s`, camera.status.reason ?? 'check [camera] input');
  if (typeof first === 'string') return failed('camera', `${config.camera.source} gives no frame`, first);
  // The first picture of a snapshot address comes as a video of one frame. The second says what the address is.
  if (/^https?:/i.test(config.camera.input ?? '')) await Promise.race([camera.next(), offline, wait(secondFrameMs)]);
  const { rotation } = config.camera;
  const how = camera.status.snapshots ? polled(config) : '';
  const turn = rotation === 0 ? '' : `, turned by ${rotation} degrees`;
  const size = `${first.width}x${first.height}`;
  return ok('camera', `${config.camera.source} gives ${size}${how}${turn}${await cameraNames(config)}`);
}

const polled = ({ camera }: Config): string =>
  `, a snapshot address: one picture for each request, asked every ${camera.snapshotMs / 1000} s`;

/** The cameras that `--list-cameras` lists, for machines with two of them. */
async function cameraNames(config: Config): Promise<string> {
  if (config.camera.source !== 'libcamera') return '';
  for (const program of ['rpicam-vid', 'libcamera-vid']) {
    const { missing, stdout } = await runProgram([program, '--list-cameras']);
    if (missing) continue;
    const names = [...stdout.matchAll(/^(\d+) : (\S+)/gm)].map(([, index, name]) => `${index} ${name}`);
    return names.length > 0 ? ` (${names.join(', ')})` : '';
  }
  return '';
}

/** Whether this user may open the devices of the camera; null where the source has none. */
export async function checkPermissions({ camera }: Config): Promise<Finding | null> {
  if (camera.source === 'replay') return null;
  const paths =
    camera.source === 'libcamera'
      ? [...(await devices('/dev', /^(media|video)\d+$/)), ...(await devices('/dev/dma_heap', /./))]
      : camera.input?.startsWith('/dev/')
        ? [camera.input]
        : [];
  if (camera.source === 'ffmpeg' && paths.length === 0) return null;
  if (paths.length === 0) {
    return warn(
      'devices',
      'there is no /dev/video*, /dev/media* or /dev/dma_heap',
      'use Raspberry Pi OS with its own kernel',
    );
  }
  const closed: string[] = [];
  for (const path of paths) {
    const isOpen = await access(path, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    );
    if (!isOpen) closed.push(path);
  }
  if (closed.length === 0) return ok('devices', `${paths.length} camera devices can be opened`);
  return failed('devices', `this user has no access to ${closed[0]}`, 'sudo usermod -aG video USER, then log in again');
}

async function devices(folder: string, name: RegExp): Promise<string[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries.filter((entry) => name.test(entry)).map((entry) => `${folder}/${entry}`);
}
