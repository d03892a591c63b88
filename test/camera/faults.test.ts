import t from 'tap';
import type { ProgramExit } from '../../src/camera/child.js';
import {
  explainFfmpeg,
  explainFfmpegStall,
  explainLibcamera,
  explainLibcameraStall,
  ffmpegFaults,
  libcameraFaults,
} from '../../src/camera/faults.js';
import { ffmpegTexts, libcameraTexts } from './field-faults.js';

const failed: ProgramExit = { code: 255, signal: null, spawnError: null };

t.test('every fault of rpicam-vid has a sentence that says what to do', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['ERROR: *** no cameras available ***', /ribbon cable/],
    ['ERROR: *** selected camera is not available ***', /\[camera\] index/],
    [
      '[1:2:3.4] [7]  INFO Camera camera.cpp:1 Pipeline handler in use by another process',
      /another program uses the camera/,
    ],
    ['ERROR: *** failed to acquire camera /base/soc/i2c0mux/i2c@1/imx219@10 ***', /another program uses the camera/],
    ["ERROR: *** unrecognised option '--flush' ***", /'--flush'.*update/],
    ['ERROR: *** Invalid AWB mode: foo ***', /Invalid AWB mode: foo.*\[camera\]/],
    ["ERROR: *** the argument ('x') for option '--width' is invalid ***", /option '--width' is invalid/],
    ["ERROR: *** option '--width' cannot be specified more than once ***", /--width/],
    ['ERROR: *** transforms requiring transpose not supported ***', /\[camera\] rotation/],
    ['ERROR: *** illegal rotation value ***', /\[camera\] rotation/],
    ['ERROR: *** the system appears to be configured for the legacy camera stack ***', /config.txt/],
    ['ERROR: *** rpicam-apps currently only supports the Raspberry Pi platforms. ***', /source = "ffmpeg"/],
    ['Received signal 13', /started again/],
    ['ERROR: *** failed to write output bytes ***', /started again/],
    ['Halting: reached timeout of 5000 milliseconds.', /started again/],
  ];
  for (const [line, sentence] of cases) t.match(explainLibcamera(failed, ['something before', line]), sentence, line);
  const heaps = ['[0:1] ERROR RPI Could not open any dmaHeap device', 'ERROR: *** no cameras available ***'];
  t.match(explainLibcamera(failed, heaps), /group video/, 'the cause is reported, not its consequence');
});

t.test('unknown text is quoted on one line of limited length', async (t) => {
  t.equal(explainLibcamera({ ...failed, code: 3 }, ['odd\u0007']), 'rpicam-vid ended with status 3: odd\\u0007');
  t.equal(explainLibcamera({ ...failed, code: 0 }, []), 'rpicam-vid ended with status 0');
  t.ok(explainLibcamera(failed, ['x'.repeat(5000)]).length < 300);
  t.match(explainLibcamera({ code: null, signal: 'SIGKILL', spawnError: null }, []), /memory/);
  t.match(explainLibcamera({ code: null, signal: 'SIGHUP', spawnError: null }, []), /SIGHUP/);
  t.match(explainLibcamera({ code: null, signal: null, spawnError: 'EACCES' }, []), /permissions/);
  t.match(explainLibcamera({ code: null, signal: null, spawnError: 'ENOENT' }, []), /rpicam-apps-core/);
});

t.test('a dead sensor is distinguished from a silent program', async (t) => {
  t.match(explainLibcameraStall(['ERROR: Device timeout detected, attempting a restart!!!']), /ribbon cable/);
  t.match(explainLibcameraStall(['x ERROR V4L2 /dev/video4: Camera frontend has timed out!']), /ribbon cable/);
  t.equal(explainLibcameraStall(['anything']), null);
});

t.test('every fault of ffmpeg has a sentence that says what to do', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['[rtsp @ 0x1] method DESCRIBE failed: 401 Unauthorized', /password/],
    ['[rtsp @ 0x1] method DESCRIBE failed: 404 Not Found', /path/],
    ['[tcp @ 0x1] Connection to tcp://127.0.0.1:8557?timeout=0 failed: Connection refused', /host and port/],
    ['[tcp @ 0x1] Failed to resolve hostname cam.lan: Name or service not known', /network/],
    ['[tcp @ 0x1] Connection to tcp://1.2.3.4:554 failed: No route to host', /network/],
    ['/dev/video0: Permission denied', /group video/],
    ['/dev/video0: Device or resource busy', /another program/],
    ['/dev/video0: No such file or directory', /does not exist/],
    ['file:/tmp: Is a directory', /"replay"/],
    ["Stream map '0:v:0' matches no streams.", /holds no video/],
    ['file:x.txt: Invalid data found when processing input', /not a video/],
  ];
  for (const [line, sentence] of cases) t.match(explainFfmpeg({ ...failed, code: 1 }, [line]), sentence, line);
  t.match(explainFfmpeg({ code: null, signal: null, spawnError: 'ENOENT' }, []), /apt install ffmpeg/);
  t.match(explainFfmpeg({ ...failed, code: 0 }, []), /ended its stream/);
  t.equal(explainFfmpegStall([]), null);
});

t.test('each text of the field has its advice, and each row of the tables is the answer to one', async (t) => {
  for (const [rows, texts, explain] of [
    [libcameraFaults, libcameraTexts, explainLibcamera],
    [ffmpegFaults, ffmpegTexts, explainFfmpeg],
  ] as const) {
    const met = new Set<unknown>();
    for (const [text, advice] of texts) {
      t.match(explain(failed, ['a line before', text]), advice, text);
      met.add(rows.find(([pattern]) => pattern.test(text)));
    }
    t.same(
      rows.filter((row) => !met.has(row)).map(([pattern]) => pattern.source),
      [],
      'rows without a text',
    );
  }
});
