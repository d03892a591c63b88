// From the last lines of a program's stderr to one sentence that says what to do. The exit status is the same (255, or 1 for
// ffmpeg) for nearly every fault, so the text decides. The first matching row wins: causes come before their consequences.
import { oneLine } from '../base/errors.js';
import type { ProgramExit } from './child.js';

type Row = readonly [pattern: RegExp, advice: string];

/** rpicam-apps 1.12 and libcamera 0.7; `$1` is the first group of the pattern. */
const libcameraFaults: readonly Row[] = [
  [
    /dmaHeap/i,
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
    /failed to acquire camera|in use by another process/i,
    'another program uses the camera: end it (sudo fuser -v /dev/media* names it)',
  ],
  [
    /selected camera is not available/i,
    'there is no camera with that number: set [camera] index to one that rpicam-vid --list-cameras prints',
  ],
  [
    /no cameras available/i,
    'no camera was found: with the Pi switched off check the ribbon cable at both ends, then try rpicam-vid --list-cameras',
  ],
  [
    /transforms requiring transpose|illegal rotation value/i,
    'the sensor does not support this rotation: set [camera] rotation to 0 or 180',
  ],
  [
    /unrecognised option '([^']*)'/i,
    "rpicam-vid does not know the option '$1': update it with sudo apt install --only-upgrade rpicam-apps-core",
  ],
  [/tuning.file/i, 'the tuning file cannot be used: check [camera] tuning_file'],
  [
    /Cannot allocate memory|failed to allocate/i,
    'the camera memory is used up: lower [camera] width and height, or end other camera programs',
  ],
  [/failed to write output bytes|Received signal 13\b/i, 'rpicam-vid could not write its frames; it is started again'],
  [
    /ERROR: \*{3} (.*(?:invalid|bad|argument|option|required|range).*?) \*{3}/i,
    'rpicam-vid refuses its options ($1): check [camera] mode, roi, width, height and framerate',
  ],
  [/Halting: reached timeout/i, 'rpicam-vid reached its time limit; it is started again'],
  [/Received signal 2\b/i, 'rpicam-vid was interrupted (SIGINT); it is started again'],
];

const libcameraStalls: readonly Row[] = [
  [
    /Camera frontend has timed out|Device timeout detected/i,
    'the sensor stopped sending: check the ribbon cable and the power supply',
  ],
];

/** ffmpeg 5 to 7. */
const ffmpegFaults: readonly Row[] = [
  [
    /401 Unauthorized|403 Forbidden|authorization failed/i,
    'the camera rejects the user name or password in [camera] input: correct them',
  ],
  [
    /404 Not Found|454 Session Not Found|Stream Not Found/i,
    'the camera does not know this path: check the address in [camera] input',
  ],
  [
    /Connection refused/i,
    'nothing answers at the address in [camera] input: check host and port, and that the camera is on',
  ],
  [
    /No route to host|Network is unreachable|Connection timed out|Failed to resolve|Name or service not known|Temporary failure in name resolution/i,
    'the host in [camera] input cannot be reached: check its name and the network',
  ],
  [
    /Permission denied/i,
    'there is no permission to open [camera] input: make it readable; for a webcam, add this user to the group video',
  ],
  [/Device or resource busy/i, 'another program uses the webcam: end it (sudo fuser -v /dev/video* names it)'],
  [/No such device\b/i, 'the webcam is gone: plug it in again'],
  [/No such file or directory/i, '[camera] input does not exist: check the path; for a webcam, see ls /dev/video*'],
  [/Is a directory/i, '[camera] input is a folder: use [camera] source = "replay" for pictures'],
  [/matches no streams|does not contain any stream/i, '[camera] input holds no video: check the path or address'],
  [
    /Unknown input format: '?v4l2/i,
    'this ffmpeg cannot read webcams: install the one of Debian (sudo apt install ffmpeg)',
  ],
  [
    /Invalid data found|moov atom not found|Not a video capture device|Inappropriate ioctl/i,
    '[camera] input is not a video that ffmpeg can read',
  ],
];

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
      if (groups) return advice.replace('$1', () => oneLine(groups[1] ?? '', 200));
    }
  }
  return null;
}
