// A file, a webcam (V4L2) or an address (RTSP, HTTP) through ffmpeg 5.1 or later. The output is the raw video that a Pi
// camera gives: I420, full range, BT.601, no padding. An address may hold a password. It is passed on stdin as a playlist of
// one entry, because every user of the machine can read a program's arguments, and it is removed from every kept line
// (address.ts).
import { type Address, isAddress, readAddress } from './address.js';
import { explainFfmpeg, explainFfmpegStall } from './faults.js';
import type { CameraOptions, CameraProgram } from './options.js';

/** The protocols that an address may use or redirect to. `file` is not among them. */
const protocols = 'pipe,data,crypto,tcp,udp,tls,rtp,srtp,rtsp,rtsps,http,https,httpproxy,hls,rtmp,rtmps';

/** The ffmpeg command for `options`. */
export function ffmpegProgram(options: CameraOptions): CameraProgram {
  const address = readAddress(options.input ?? '');
  const input = inputOf(options, address);
  return {
    commands: [options.command ?? ['ffmpeg']],
    args: [...['-hide_banner', '-nostats', '-loglevel', 'error'], ...input.args, ...outputArgs(options)],
    env: {},
    stdin: input.stdin,
    rowAlignments: [1],
    ends: input.kind === 'file' && !options.loop,
    sizeIn: () => null,
    redact: address.redact,
    explain: explainFfmpeg,
    explainStall: explainFfmpegStall,
  };
}

interface Input {
  readonly kind: 'file' | 'device' | 'address';
  readonly args: readonly string[];
  readonly stdin: string | null;
}

function inputOf(options: CameraOptions, { address }: Address): Input {
  const input = options.input ?? '';
  if (isAddress(input)) return { kind: 'address', ...addressInput(address) };
  if (input.startsWith('/dev/')) {
    // A driver that does not support this size or rate takes the nearest one. The filter in `outputArgs` corrects the size.
    const requested = ['-framerate', String(options.framerate), '-video_size', `${options.width}x${options.height}`];
    return { kind: 'device', args: ['-nostdin', '-f', 'v4l2', ...requested, '-i', input], stdin: null };
  }
  // `-re` plays a file at its own speed, as a camera would. `file:` keeps a name like `concat:x` from being read as a protocol.
  const args = ['-nostdin', '-re', ...(options.loop ? ['-stream_loop', '-1'] : []), '-i', `file:${input}`];
  return { kind: 'file', args, stdin: null };
}

function addressInput(address: string): { readonly args: readonly string[]; readonly stdin: string } {
  // A quote would end the word of the playlist.
  const escaped = address.replace(/[\s'"\\\u0000-\u001f]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const transport = /^rtsps?:/i.test(address) ? '\noption rtsp_transport tcp' : '';
  return {
    args: ['-protocol_whitelist', protocols, '-fflags', 'nobuffer', '-safe', '0', '-f', 'concat', '-i', 'pipe:0'],
    stdin: `ffconcat version 1.0\nfile '${escaped}'${transport}\n`,
  };
}

function outputArgs({ width, height, framerate, hflip, vflip, rotation }: CameraOptions): readonly string[] {
  const upsideDown = rotation === 180;
  const filters = [
    `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2:out_range=full:out_color_matrix=bt601`,
    `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
    ...(hflip !== upsideDown ? ['hflip'] : []),
    ...(vflip !== upsideDown ? ['vflip'] : []),
    'format=yuv420p',
  ];
  return [
    ...['-map', '0:v:0', '-vf', filters.join(',')],
    // Drops frames above the rate and never repeats one: a repeated frame would count as a second observation.
    ...['-fps_mode', 'vfr', '-r', String(framerate)],
    ...['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-flush_packets', '1', 'pipe:1'],
  ];
}
