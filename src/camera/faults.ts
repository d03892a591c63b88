// From the last lines of a program's stderr to one sentence that says what to do. The exit status is the same (255, or 1 for
// ffmpeg) for nearly every fault, so the text decides. The first matching row wins: causes come before their consequences.
import { oneLine } from '../base/errors.js';
import type { ProgramExit } from './child.js';

export type Row = readonly [pattern: RegExp, advice: string];

const upgrade = 'its libraries do not fit each other: sudo apt update && sudo apt full-upgrade, then restart the Pi';

/** rpicam-apps 1.12 and libcamera 0.7; `$1` is the first group of the pattern. */
export const libcameraFaults: readonly Row[] = [
  [
    /undefined symbol|symbol lookup error/i,
    `rpicam-vid cannot be started, because an upgrade was left half way; ${upgrade}`,
  ],
  [
    /error while loading shared libraries: ([\w.+-]+)/i,
    `rpicam-vid cannot be started, because the library $1 is missing or broken; ${upgrade}`,
  ],
  [
    /version [`'](?:GLIBC|GLIBCXX|CXXABI)_[\w.]+' not found/i,
    `rpicam-vid is of another release of the system; ${upgrade}`,
  ],
  [
    /cannot execute|Exec format error|required file not found/i,
    'rpicam-vid is not made for this system (32 and 64 bit mixed, or another machine): install it again (sudo apt install --reinstall rpicam-apps-core)',
  ],
  [
    /dmaHeap allocation failure|Unable to request \d+ buffers|Not enough buffers|Cannot allocate memory|failed to allocate|Failed to allocate/,
    'the camera memory (CMA) is used up: lower [camera] width and height, end other camera programs, or give it more in /boot/firmware/config.txt (dtoverlay=vc4-kms-v3d,cma-256)',
  ],
  [
    /dmaHeap|dma_heap|dma-buf provider/i,
    'no permission for the camera memory (/dev/dma_heap): add this user to the group video (sudo usermod -aG video USER) and log in again',
  ],
  [
    /legacy camera stack/i,
    'this Pi is set up for the old camera stack: delete start_x and gpu_mem for it from /boot/firmware/config.txt, set camera_auto_detect=1 and restart',
  ],
  [
    /only supports the Raspberry Pi platforms/i,
    'rpicam-vid only works on a Raspberry Pi with its own camera: use [camera] source = "ffmpeg" for a webcam',
  ],
  [
    /failed to acquire camera|in use by another process|trying acquire\(\)|Device or resource busy/i,
    'another program uses the camera: end it (sudo fuser -v /dev/media* names it; on a desktop it may be wireplumber: systemctl --user stop wireplumber)',
  ],
  [
    /selected camera is not available|camera (?:number|index).*out of range/i,
    'there is no camera with that number: set [camera] index to one that rpicam-vid --list-cameras prints',
  ],
  [
    /no cameras available|Failed to (?:register|create) camera|camera_manager.*no camera/i,
    'no camera was found: with the Pi switched off check the ribbon cable at both ends, then try rpicam-vid --list-cameras; a camera that is not of Raspberry Pi needs its dtoverlay in /boot/firmware/config.txt',
  ],
  [
    /transforms requiring transpose|illegal rotation value/i,
    'the sensor does not support this rotation: remove --rotation from the command; [camera] rotation turns the frames itself',
  ],
  [
    /unrecognised option '([^']*)'/i,
    "rpicam-vid does not know the option '$1': update it with sudo apt install --only-upgrade rpicam-apps-core",
  ],
  [
    /lens|autofocus|\bAF\b.*not (?:supported|available)/i,
    'the camera refuses the focus ($0): remove lens_position and autofocus_mode from [camera.options] if its lens cannot be moved',
  ],
  [
    /tuning.file|tuning data|Failed to (?:open|load) IPA|IPA.*(?:failed|no configuration)/i,
    'the tuning file cannot be used: check [camera] tuning_file',
  ],
  [
    /Remote I\/O error|i2c.*(?:time|error)|failed to write reg|Unable to set controls|Failed to read chip ID|failed to read model/i,
    'the camera does not answer (I2C): with the Pi switched off push the ribbon cable in at both ends, and check the power supply',
  ],
  [
    /unsupported pixel format|unable to set format|failed to configure streams|failed to generate capture configuration|failed to validate/i,
    'the camera refuses this picture size or mode: remove [camera] mode and roi, then lower width and height',
  ],
  [
    /Failed to start streaming|failed to start camera|Failed to start (?:the )?camera/i,
    'the camera cannot be started: with the Pi switched off check the ribbon cable and the power supply; if it worked before, restart the Pi',
  ],
  [
    /Device timeout detected|Camera frontend has timed out/i,
    'the sensor stopped sending: check the ribbon cable and the power supply',
  ],
  [/failed to write output bytes|Received signal 13\b/i, 'rpicam-vid could not write its frames; it is started again'],
  [
    /ERROR: \*{3} (.*(?:invalid|bad|argument|option|required|range|mode).*?) \*{3}/i,
    'rpicam-vid refuses its options ($1): check [camera] mode, roi, width, height, framerate and options',
  ],
  [
    /Permission denied/i,
    'no permission for the camera: add this user to the group video (sudo usermod -aG video USER) and log in again',
  ],
  [/Segmentation fault|terminate called after/i, `rpicam-vid crashed; if this repeats: ${upgrade}`],
  [/Halting: reached timeout/i, 'rpicam-vid reached its time limit; it is started again'],
  [/Received signal 2\b/i, 'rpicam-vid was interrupted (SIGINT); it is started again'],
];

const libcameraStalls: readonly Row[] = libcameraFaults.filter(([pattern]) =>
  pattern.source.includes('Device timeout'),
);

/** ffmpeg 5 to 7, and the errors of Node's HTTP client. */
export const ffmpegFaults: readonly Row[] = [
  [
    /\b401\b.*Unauthorized|401 \(?Authorization|^401\b|authorization failed|\b403\b.*(?:Forbidden|access denied)|^403\b/i,
    'the camera rejects the user name or password in [camera] input: correct them; after several wrong tries some cameras lock the login for minutes',
  ],
  [
    /\b404\b.*Not Found|^404\b|454 Session Not Found|Stream Not Found/i,
    'the camera does not know this path: check the address in [camera] input',
  ],
  [
    /461 Unsupported transport|Nonmatching transport/i,
    'the camera does not offer this transport: set rtsp_transport = "udp" in [camera.options]',
  ],
  [
    /\b453\b.*Bandwidth|\b503\b|\b500 Internal|^5\d\d\b|Server returned 5XX|too many (?:connections|clients|users)/i,
    'the camera is busy ($0): it may allow only few viewers; end others, or restart the camera',
  ],
  [
    /Server returned (4\d\d|4XX)|^(4\d\d)\b/i,
    'the camera refuses the request ($0): check the address in [camera] input',
  ],
  [
    /Connection refused|ECONNREFUSED/i,
    'nothing answers at the address in [camera] input: check host and port, and that the camera is on',
  ],
  [
    /No route to host|Host is down|Network is unreachable|Connection timed out|Operation timed out|Failed to resolve|Name or service not known|Temporary failure in name resolution|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ETIMEDOUT/i,
    'the host in [camera] input cannot be reached: check its name and the network',
  ],
  [
    /TLS|SSL|certificate|EPROTO|The specified session has been invalidated/,
    'the encrypted connection to the camera fails ($0): use http:// or rtsp://, or switch on a newer TLS in the camera',
  ],
  [
    /Connection reset|Broken pipe|ECONNRESET|EPIPE|socket hang up|End of file|Input\/output error/i,
    'the connection to the camera broke: check its network, its power supply and how many others watch it',
  ],
  [
    /Permission denied/i,
    'there is no permission to open [camera] input: make it readable; for a webcam, add this user to the group video',
  ],
  [/Device or resource busy/i, 'another program uses the webcam: end it (sudo fuser -v /dev/video* names it)'],
  [
    /No space left on device|VIDIOC_(?:STREAMON|REQBUFS).*(?:memory|space)/i,
    'the USB bus has no bandwidth left for the webcam: set input_format = "mjpeg" in [camera.options], lower width and height, or use another USB port',
  ],
  [
    /Cannot find a proper format|(?:set|find).*(?:codec|pixel|input) format|Unknown pixel format|unsupported pixel format/i,
    'the webcam does not know the format in [camera.options] input_format: choose one that ffmpeg -f v4l2 -list_formats all -i /dev/video0 prints',
  ],
  [/No such device\b/i, 'the webcam is gone: plug it in again'],
  [/No such file or directory/i, '[camera] input does not exist: check the path; for a webcam, see ls /dev/video*'],
  [/Is a directory/i, '[camera] input is a folder: use [camera] source = "replay" for pictures'],
  [
    /Not a video capture device|Inappropriate ioctl|VIDIOC_G_INPUT|not a capture device/i,
    '[camera] input is not a video that ffmpeg can read; of the several /dev/video* of a webcam only one gives pictures: try the others',
  ],
  [
    /Protocol '?[\w-]*'? not (?:found|on whitelist)|Protocol not found|Invalid argument.*(?:proto|url)/i,
    '[camera] input uses a protocol that is not supported: use rtsp://, http:// or https://',
  ],
  [
    /matches no streams|does not contain any stream|Output file is empty|Could not find codec parameters/i,
    '[camera] input holds no video: check the path or address',
  ],
  [
    /Unknown input format: '?v4l2|(?:Decoder|decoder) .*not found|Unknown decoder|Unrecognized option|Option not found/i,
    'this ffmpeg is too old or lacks a part ($0): install the one of Debian (sudo apt install ffmpeg)',
  ],
  [
    /Invalid data found|moov atom not found|could not find sync|Format .* detected only with low score/i,
    '[camera] input is not a video that ffmpeg can read: check that the address is that of the stream and not of a web page',
  ],
  [/Cannot allocate memory/i, 'memory is used up: lower [camera] width and height, or end other programs'],
];

/** `$0` is the whole line without the name of ffmpeg's part, `$1` the first group. */
const quoted = (group: string, line: string, groups: RegExpExecArray): string =>
  group === '0' ? line.replace(/^(?:\[[^\]]*\] )+/, '').trim() : (groups[1] ?? '');

/** Why rpicam-vid ended. */
export const explainLibcamera = (exit: ProgramExit, lines: readonly string[]): string =>
  exit.spawnError === 'ENOENT'
    ? 'rpicam-vid is not installed: sudo apt install rpicam-apps-core (on Raspberry Pi OS), or use another [camera] source'
    : explain('rpicam-vid', libcameraFaults, exit, lines);

/** Why a running rpicam-vid gives no frames, from its stderr; null if stderr does not tell. */
export const explainLibcameraStall = (lines: readonly string[]): string | null => match(libcameraStalls, lines);

/** Why ffmpeg ended. */
export function explainFfmpeg(exit: ProgramExit, lines: readonly string[]): string {
  if (exit.spawnError === 'ENOENT') return 'ffmpeg is not installed: sudo apt install ffmpeg';
  if (exit.code === 0) return 'the camera in [camera] input ended its stream; it is opened again';
  return explain('ffmpeg', ffmpegFaults, exit, lines);
}

/** Why a running ffmpeg gives no frames, from its stderr; null if stderr does not tell. */
export const explainFfmpegStall = (lines: readonly string[]): string | null => match(ffmpegFaults, lines);

function explain(program: string, rows: readonly Row[], exit: ProgramExit, lines: readonly string[]): string {
  const advice = match(rows, lines);
  if (advice) return advice;
  if (exit.spawnError) return `${program} cannot be started (${exit.spawnError}): check its permissions`;
  const last = lines.at(-1);
  const detail = last ? `: ${oneLine(last, 200)}` : '';
  if (exit.signal === 'SIGKILL')
    return `${program} was killed, perhaps because memory ran out (see journalctl -k)${detail}`;
  if (exit.signal) return `${program} was ended by ${exit.signal}${detail}`;
  return `${program} ended with status ${exit.code}${detail}`;
}

function match(rows: readonly Row[], lines: readonly string[]): string | null {
  for (const [pattern, advice] of rows) {
    for (const line of lines) {
      const groups = pattern.exec(line);
      if (groups) return advice.replace(/\$([01])/, (_, group: string) => oneLine(quoted(group, line, groups), 200));
    }
  }
  return null;
}
