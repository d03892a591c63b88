// A file, a webcam (V4L2) or an address (RTSP, HTTP) through ffmpeg 5.1 or later. The output is the raw video that a Pi
// camera gives: I420, full range, BT.601, no padding. An address may hold a password. It is passed on stdin as a playlist of
// one entry, because every user of the machine can read a program's arguments, and it is removed from every kept line
// (address.ts).
import { type Address, isAddress, readAddress } from './address.js';
import { explainFfmpeg, explainFfmpegStall } from './faults.js';
import type { CameraOptions, CameraProgram } from './options.js';
import { createSnapshotAddress } from './snapshot-address.js';

/** The protocols that an address may use or redirect to. `file` is not among them. */
const protocols = 'pipe,data,crypto,tcp,udp,tls,rtp,srtp,rtsp,rtsps,http,https,httpproxy,hls,rtmp,rtmps';

/** The ffmpeg command for `options`. */
export function ffmpegProgram(options: CameraOptions): CameraProgram {
  const address = readAddress(options.input ?? '');
  const input = inputOf(options, address);
  return {
    commands: [options.command ?? ['ffmpeg']],
    args: [...['-hide_banner', '-nostats', '-loglevel', 'error'], ...input.args, ...outputArgs(options, input.kind)],
    env: {},
    stdin: input.stdin,
    rowAlignments: [1],
    ends: input.kind === 'file' && !options.loop,
    turn: options.rotation,
    snapshots: /^https?:/i.test(address.address) ? createSnapshotAddress(address.address) : null,
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
  if (isAddress(input)) return { kind: 'address', ...addressInput(address, options) };
  if (input.startsWith('/dev/')) {
    // A driver that does not support this size or rate takes the nearest one. The filter in `outputArgs` corrects the size.
    const requested = ['-framerate', String(options.framerate), '-video_size', `${options.width}x${options.height}`];
    const format = options.options.input_format;
    const requestedFormat = format === undefined ? [] : ['-input_format', format];
    return {
      kind: 'device',
      args: ['-nostdin', '-f', 'v4l2', ...requestedFormat, ...requested, '-i', input],
      stdin: null,
    };
  }
  // `-re` plays a file at its own speed, as a camera would. `file:` keeps a name like `concat:x` from being read as a protocol.
  const args = ['-nostdin', '-re', ...(options.loop ? ['-stream_loop', '-1'] : []), '-i', `file:${input}`];
  return { kind: 'file', args, stdin: null };
}

/**
 * ffmpeg analyses a stream for seconds to learn its frame rate, which nothing here needs; a stream with few bytes would give no frame for
 * a minute. Without `-fflags nobuffer`, the packets read by the analysis are decoded afterwards: the only keyframe of 10 s may be among them.
 */
const quickAnalysis = ['-fpsprobesize', '0', '-analyzeduration', '0', '-probesize', '32'];

function addressInput(
  address: string,
  { options }: CameraOptions,
): { readonly args: readonly string[]; readonly stdin: string } {
  // A quote would end the word of the playlist.
  const escaped = address.replace(/[\s'"\\\u0000-\u001f]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
  const transport = /^rtsps?:/i.test(address) ? [`option rtsp_transport ${options.rtsp_transport ?? 'tcp'}`] : [];
  return {
    args: ['-protocol_whitelist', protocols, ...quickAnalysis, '-safe', '0', '-f', 'concat', '-i', 'pipe:0'],
    stdin: [
      'ffconcat version 1.0',
      `file '${escaped}'`,
      ...transport,
      'option fpsprobesize 0',
      'option analyzeduration 2000000',
      '',
    ].join('\n'),
  };
}

function outputArgs(options: CameraOptions, kind: Input['kind']): readonly string[] {
  const { width, height, framerate, hflip, vflip, rotation } = options;
  const upsideDown = rotation === 180;
  // The time of a file is right. The timestamps of an address are not: MJPEG has none, and the clock of a camera jumps.
  const [limit, rate] =
    kind === 'file'
      ? [[], ['-fps_mode', 'vfr', '-r', String(framerate)]]
      : [[atMost(framerate)], ['-fps_mode', 'passthrough']];
  const filters = [
    ...limit,
    fitted(options),
    `pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2`,
    ...(hflip !== upsideDown ? ['hflip'] : []),
    ...(vflip !== upsideDown ? ['vflip'] : []),
    'format=yuv420p',
  ];
  return [
    ...['-map', '0:v:0', '-vf', filters.join(',')],
    // Both drop frames above the rate and never repeat one: a repeated frame would count as a second observation.
    ...rate,
    ...['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-flush_packets', '1', 'pipe:1'],
  ];
}

/**
 * A filter that lets `framerate` frames a second pass, by the clock of this machine and not by the timestamps of the stream. It collects
 * the right to pass for a second at most (ffmpeg's variable 0; 1 is the time of the last frame), so that no frame is lost when the network
 * delivers some of them late.
 */
function atMost(framerate: number): string {
  const most = Math.max(2, framerate);
  const earned = `st(2,time(0));st(0,min(${most},ld(0)+${framerate}*max(0,ld(2)-ld(1))));st(1,ld(2))`;
  return `select='${earned};if(gte(ld(0),1),st(0,ld(0)-1);1,0)'`;
}

/** A filter that scales a frame into the size with square pixels, full range, BT.601. */
function fitted({ width, height, aspect }: CameraOptions): string {
  // `dar` is the ratio as the stream says it, `a` that of its pixels. A ratio of pixels beyond 1:5 is a mistake of the camera.
  const ratio = aspect ?? 'if(between(sar,0.2,5),dar,a)';
  const even = (px: string): string => `'max(2,2*trunc(${px}/2+0.001))'`;
  return `scale=w=${even(`min(${width},${height}*${ratio})`)}:h=${even(`min(${height},${width}/${ratio})`)}:out_range=full:out_color_matrix=bt601`;
}
