import t from 'tap';
import { faultsOf } from '../../src/base/errors.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';

function faults(text: string): readonly string[] {
  try {
    parseConfig(text, 'c.toml');
  } catch (error) {
    return [...faultsOf(error as Error)];
  }
  throw new Error('the configuration was accepted');
}

t.test('a room id is enough', async (t) => {
  const config = parseConfig('[room]\nid = "living_room"\n', 'c.toml');
  t.equal(config.room.name, 'Living room');
  t.equal(config.camera.source, 'libcamera');
  t.equal(config.presence.leaveAfterMs, 60_000);
  t.equal(config.store.keyFile, '/var/lib/roomkin/key');
});

t.test('seconds become milliseconds', async (t) => {
  const config = parseConfig('[room]\nid = "a"\n[presence]\nleave_after_seconds = 2.5\n', 'c.toml');
  t.equal(config.presence.leaveAfterMs, 2500);
});

t.test('all errors at once, each with file, line and key', async (t) => {
  const text = '[room]\nid = "a/b"\nnam = "x"\n[presence]\nlooks = "three"\n[camera]\nwidth = 641\n[mqt]\nurl = "x"\n';
  const lines = faults(text);
  t.equal(lines.length, 5);
  t.match(lines[0], /^c\.toml:2: room\.id: use 1 to 32/);
  t.match(lines[1], /^c\.toml:3: room\.nam: unknown key; did you mean name\?/);
  t.match(lines[2], /^c\.toml:5: presence\.looks: .*number/);
  t.match(lines[3], /^c\.toml:7: camera\.width: .*multiple of 2/);
  t.match(lines[4], /^c\.toml:8: mqt: unknown key; did you mean mqtt\?/);
});

t.test('an invalid room id gives an error of one line', async (t) => {
  for (const id of ['#', '+', 'a/b', '../x', 'a\\u0000b', 'a\\nb', 'nobody', 'unknown', '', 'x'.repeat(65536)]) {
    const lines = faults(`[room]\nid = "${id}"\n`);
    t.ok(
      lines.length >= 1 && lines.every((line) => line.startsWith('c.toml:2: room.id: ') && !line.includes('\n')),
      id.slice(0, 20),
    );
    t.ok(lines.join('').length < 400, 'short');
  }
});

t.test('a syntax error names line and column', async (t) => {
  t.throws(() => parseConfig('[room]\nid = yes please\n', 'c.toml'), {
    code: 'CONFIG_INVALID',
    message: /^c\.toml:2:\d+: /,
  });
});

t.test('keys under a dotted or inline table have lines too', async (t) => {
  t.match(faults('room.id = "a"\nroom.nam = "b"\n')[0], /^c\.toml:2: room\.nam/);
  t.match(faults('\nroom = { id = "a", nam = "b" }\n')[0], /^c\.toml:2: room\.nam/);
});

t.test('a missing section and a missing input are reported', async (t) => {
  t.match(faults('')[0], /^c\.toml:1: room: is required/);
  t.match(faults('[room]\nid = "a"\n[camera]\nsource = "replay"\n')[0], /^c\.toml:\d: camera\.input: is required/);
});

t.test('password and password_file together are an error', async (t) => {
  t.match(faults('[room]\nid = "a"\n[mqtt]\npassword = "a"\npassword_file = "b"\n')[0], /not both/);
});

t.test('a missing file', async (t) => {
  t.throws(() => loadConfig('/nonexistent/config.toml'), {
    code: 'CONFIG_MISSING',
    exitCode: 78,
  });
});

t.test('the hold time of roomkin 0.1 still counts where it is the longer one', async (t) => {
  const leaveAfterMs = (lines: string): number =>
    parseConfig(`[room]\nid = "a"\n[presence]\n${lines}\n`, 'c.toml').presence.leaveAfterMs;
  t.equal(leaveAfterMs('leave_after_seconds = 5\nhold_seconds = 90'), 90_000);
  t.equal(leaveAfterMs('leave_after_seconds = 100\nhold_seconds = 90'), 100_000);
  t.equal(leaveAfterMs('hold_seconds = 0'), 60_000);
  t.throws(() => leaveAfterMs('leave_after_seconds = 1'), { code: 'CONFIG_INVALID' });
});

t.test('settings of the camera programs are listed, checked and of use for the camera', async (t) => {
  const camera = (lines: string): string => `[room]\nid = "a"\n[camera]\n${lines}\n`;
  const line = (lines: string): string => faults(camera(lines)).join('\n');
  const { options } = parseConfig(
    camera('options = { lens_position = 2.5, awb = "indoor", flicker_period = "10000us", shutter = 5000 }'),
    'c.toml',
  ).camera;
  t.same(options, { lens_position: 2.5, awb: 'indoor', flicker_period: '10000us', shutter: '5000us' });
  t.match(
    line('[camera.options]\nlens_positon = 2'),
    /c\.toml:5: camera\.options\.lens_positon: .*did you mean lens_position\?/,
  );
  t.match(line('[camera.options]\nrpicam = 2'), /known here: .*autofocus_mode.*rtsp_transport/);
  t.match(line('[camera.options]\nawb = "indor"'), /camera\.options\.awb: .*"indoor"/);
  t.match(line('[camera.options]\nflicker_period = "fast"'), /time with its unit/);
  t.match(line('[camera.options]\nawb = "auto; reboot"'), /camera\.options\.awb/);
  t.match(line('[camera.options]\nlens_position = 1\nautofocus_mode = "continuous"'), /lens_position: has no effect/);
  t.match(line('[camera.options]\ninput_format = "mjpeg"'), /input_format: is a setting of a webcam/);
  t.match(
    line('source = "ffmpeg"\ninput = "/dev/video0"\noptions = { gain = 2 }'),
    /gain: is a setting of the Pi camera/,
  );
  t.match(line('source = "ffmpeg"\ninput = "http://cam/x"\noptions = { rtsp_transport = "udp" }'), /an RTSP camera/);
  t.match(line('aspect = "16:9"'), /pixels of a Pi camera are square/);
  t.match(line('source = "ffmpeg"\ninput = "x.mp4"\naspect = "wide"'), /WIDTH:HEIGHT/);
  t.match(line('rotation = 45'), /camera\.rotation/);
  t.equal(parseConfig(camera('rotation = 270'), 'c.toml').camera.rotation, 270);
});
