// The start of a container: options of the app or of the environment become a configuration that the daemon's loader accepts, with the
// broker of a Supervisor that answers as the real one; bad options are refused with their own names; nothing else may read what is written.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadConfig } from '../../src/config/load.js';
import { containerOptions } from '../../src/container/options.js';
import { brokerOfSupervisor } from '../../src/container/supervisor.js';

const program = join(dirname(fileURLToPath(import.meta.url)), '../../src/container/prepare.js');
const mode = (path: string): number => statSync(path).mode & 0o777;
const token = 'the-token';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** `{"result": "ok", "data": ...}`, as the Supervisor answers. */
const service = (data: object): Answer => ({
  status: 200,
  body: { result: 'ok', data: { addon: 'core_mosquitto', protocol: '3.1.1', ssl: false, ...data } },
});
const mosquitto = service({ host: 'core-mosquitto', port: 1883, username: 'addons', password: 'pa"ss\\wörd' });
const notEnabled: Answer = { status: 400, body: { result: 'error', message: 'Service not enabled' } };

/** An HTTP server that gives `answers` in turn; the last one again and again. */
async function startSupervisor(...answers: readonly Answer[]) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const { status, body } = answers[Math.min(requests.length, answers.length - 1)]!;
    requests.push(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Runs the program of the start. Its environment has nothing of this process but PATH. */
async function start(env: Record<string, string>): Promise<{ code: number; stderr: string }> {
  const child = spawn(process.execPath, [program], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  let stderr = '';
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const [code] = await once(child, 'close');
  return { code, stderr };
}

/** The environment of an app whose form has `options`. */
function appEnvironment(folder: string, options: object | string, supervisor: string): Record<string, string> {
  const file = join(folder, 'options.json');
  writeFileSync(file, typeof options === 'string' ? options : JSON.stringify(options));
  return {
    SUPERVISOR_TOKEN: token,
    ROOMKIN_OPTIONS: file,
    ROOMKIN_SUPERVISOR: supervisor,
    ROOMKIN_STATE: join(folder, 'data'),
  };
}

const form = { room: 'kitchen', camera: 'rtsp://ada:pa55@camera.lan/stream', leave_after_seconds: 30, strangers: true };

t.test('the app: the form and the broker of the Supervisor become a configuration', async (t) => {
  await using supervisor = await startSupervisor(mosquitto);
  const options = {
    ...form,
    room_name: 'Küche "1"',
    area: '',
    width: 640,
    height: 480,
    framerate: 2.5,
    upside_down: true,
    strangers: false,
    wrong_names_per_month: 0.5,
    snapshots: true,
    looks_kept_hours: 0,
    names_in_log: false,
    trackers: true,
    household: 'our_home',
    log_level: 'debug',
  };
  const env = appEnvironment(t.testdir(), options, supervisor.url);
  const { code, stderr } = await start(env);
  t.equal(code, 0, stderr);
  t.equal(stderr, 'roomkin: room kitchen, broker mqtt://core-mosquitto:1883 of Home Assistant\n');
  t.equal(supervisor.requests.length, 1);
  t.equal(supervisor.requests[0]?.url, '/services/mqtt');
  t.equal(supervisor.requests[0]?.headers.authorization, `Bearer ${token}`);

  const state = env['ROOMKIN_STATE']!;
  const config = loadConfig(join(state, 'config.toml'));
  t.match(config, {
    room: { id: 'kitchen', name: 'Küche "1"' },
    camera: { source: 'ffmpeg', input: form.camera, width: 640, height: 480, framerate: 2.5, rotation: 180 },
    presence: { leaveAfterMs: 30_000, strangers: false },
    recognition: { wrongNamesPerMonth: 0.5 },
    privacy: { snapshots: true, looksKeptMs: 0 },
    service: { namesInLog: false, logLevel: 'debug' },
    homeAssistant: { area: 'Küche "1"', trackers: true },
    household: { id: 'our_home' },
    mqtt: { url: 'mqtt://core-mosquitto:1883', username: 'addons', passwordFile: join(state, 'mqtt-password') },
    store: { directory: join(state, 'store') },
  });
  t.equal(readFileSync(join(state, 'mqtt-password'), 'utf8'), 'pa"ss\\wörd\n');
  t.equal(mode(join(state, 'config.toml')), 0o600);
  t.equal(mode(join(state, 'mqtt-password')), 0o600);
  t.equal(mode(join(state, 'store')), 0o700);
  t.notMatch(readFileSync(join(state, 'config.toml'), 'utf8'), 'wörd', 'the password has a file of its own');
});

t.test('a camera that hangs sideways: the list of the app, the variable of a container', async (t) => {
  await using supervisor = await startSupervisor(mosquitto);
  for (const rotation of ['90', '270', 180]) {
    const env = appEnvironment(t.testdir(), { ...form, rotation }, supervisor.url);
    const { code, stderr } = await start(env);
    t.equal(code, 0, stderr);
    const config = loadConfig(join(env['ROOMKIN_STATE']!, 'config.toml'));
    t.equal(config.camera.rotation, Number(rotation));
  }
  const both = await start(appEnvironment(t.testdir(), { ...form, rotation: '90', upside_down: true }, supervisor.url));
  t.equal(both.code, 78);
  t.match(both.stderr, /upside_down: remove it, rotation is set/);
  const wrong = await start(appEnvironment(t.testdir(), { ...form, rotation: '45' }, supervisor.url));
  t.equal(wrong.code, 78);
  t.match(wrong.stderr, /rotation: /);
});

t.test('a second start replaces both files, and the store stays', async (t) => {
  await using supervisor = await startSupervisor(mosquitto, service({ host: 'fd00::1', port: 8883, ssl: true }));
  const folder = t.testdir();
  t.equal((await start(appEnvironment(folder, form, supervisor.url))).code, 0);
  const state = join(folder, 'data');
  writeFileSync(join(state, 'store', 'key'), 'kept');
  t.equal((await start(appEnvironment(folder, { ...form, room: 'hall' }, supervisor.url))).code, 0);
  const config = loadConfig(join(state, 'config.toml'));
  t.match(config, {
    room: { id: 'hall' },
    mqtt: { url: 'mqtts://[fd00::1]:8883', username: null, passwordFile: null },
  });
  t.equal(readFileSync(join(state, 'store', 'key'), 'utf8'), 'kept');
});

t.test('bad options are refused with the names of the form, before the Supervisor is asked', async (t) => {
  await using supervisor = await startSupervisor(mosquitto);
  for (const [options, ...sentences] of [
    [{ ...form, room: 'Kitchen!' }, 'room: use 1 to 32 of a-z, 0-9, _ and -'],
    [{ room: 'kitchen' }, 'camera: is required: a file, device or rtsp:// address'],
    [{ ...form, camera: '' }, 'camera: is required'],
    [{ ...form, width: 641 }, 'width: '],
    [{ ...form, framerate: '5 fps' }, 'framerate: must be a number'],
    [{ ...form, snapshots: 'perhaps' }, 'snapshots: must be true or false'],
    [{ ...form, snapshot: true }, 'snapshot: there is no such option; did you mean snapshots?'],
    [{ ...form, mqtt_url: 'mqtt://other' }, 'mqtt_url: there is no such option'],
    [{ ...form, room: 'A', leave_after_seconds: 1 }, '2 options cannot be used', 'room: ', 'leave_after_seconds: '],
    ['[1]', 'save them again'],
    ['{', 'save them again'],
  ] as const) {
    const folder = t.testdir();
    const { code, stderr } = await start(appEnvironment(folder, options, supervisor.url));
    t.equal(code, 78, JSON.stringify(options));
    t.match(stderr, /^roomkin: CONFIG_INVALID: /);
    for (const sentence of sentences) t.ok(stderr.includes(sentence), `${sentence} in ${stderr}`);
    t.notOk(existsSync(join(folder, 'data')), 'nothing is written');
  }
  const missing = { SUPERVISOR_TOKEN: token, ROOMKIN_OPTIONS: '/nonexistent/options.json', ROOMKIN_STATE: t.testdir() };
  t.match(await start(missing), { code: 78, stderr: /^roomkin: CONFIG_MISSING: .*save the options/ });
  t.equal(supervisor.requests.length, 0);
});

t.test('without a broker in Home Assistant the sentence says which app to install', async (t) => {
  await using supervisor = await startSupervisor(notEnabled);
  const { code, stderr } = await start(appEnvironment(t.testdir(), form, supervisor.url));
  t.equal(code, 69);
  t.match(stderr, /^roomkin: BROKER: Home Assistant has no broker: install and start the app "Mosquitto broker"/);
});

t.test('the Supervisor: a busy one is asked again, a refusal is not, and no answer is quoted', async (t) => {
  const tries = { count: 3, pauseMs: 1, timeoutMs: 2000 };
  const rejects = (url: string, words: RegExp) =>
    t.rejects(brokerOfSupervisor(url, token, tries), { code: 'BROKER', message: words });
  {
    await using supervisor = await startSupervisor({ status: 503, body: '' }, mosquitto);
    t.match(await brokerOfSupervisor(supervisor.url, token, tries), { url: 'mqtt://core-mosquitto:1883' });
    t.equal(supervisor.requests.length, 2);
  }
  {
    await using supervisor = await startSupervisor({ status: 500, body: 'broken' });
    await rejects(supervisor.url, /\(500\): start the app again/);
    t.equal(supervisor.requests.length, 3);
  }
  {
    await using supervisor = await startSupervisor({ status: 403, body: { result: 'error', message: 'No access' } });
    await rejects(supervisor.url, /services: \[mqtt:need\]/);
    t.equal(supervisor.requests.length, 1);
  }
  for (const body of ['no JSON: secret', { result: 'ok', data: { host: '', port: 0, password: 'secret' } }]) {
    await using supervisor = await startSupervisor({ status: 200, body });
    await rejects(supervisor.url, /^(?!.*secret).*cannot be read/);
  }
  await rejects('http://127.0.0.1:1', /ECONNREFUSED|bad port/);
});

t.test('a plain container: variables become a configuration', async (t) => {
  const folder = t.testdir({ pictures: {} });
  const { code, stderr } = await start({
    ROOMKIN_STATE: join(folder, 'state'),
    ROOMKIN_ROOM: 'hall',
    ROOMKIN_CAMERA: join(folder, 'pictures'),
    ROOMKIN_FRAMERATE: '0.5',
    ROOMKIN_STRANGERS: 'false',
    ROOMKIN_AREA: '',
    ROOMKIN_MQTT_URL: 'mqtts://broker.lan:8883',
    ROOMKIN_MQTT_USERNAME: 'hall',
    ROOMKIN_MQTT_PASSWORD_FILE: '/run/secrets/mqtt',
    ROOMKIN_MQTT_CA_FILE: '/run/secrets/ca.pem',
  });
  t.equal(code, 0, stderr);
  t.match(loadConfig(join(folder, 'state', 'config.toml')), {
    room: { id: 'hall', name: 'Hall' },
    camera: { source: 'replay', framerate: 0.5 },
    presence: { strangers: false },
    mqtt: {
      url: 'mqtts://broker.lan:8883',
      username: 'hall',
      passwordFile: '/run/secrets/mqtt',
      caFile: '/run/secrets/ca.pem',
    },
  });
});

t.test('a plain container: a bad or unknown variable is refused by its name', async (t) => {
  const state = join(t.testdir(), 'state');
  const env = { ROOMKIN_STATE: state, ROOMKIN_ROOM: 'hall', ROOMKIN_CAMERA: '/dev/video0' };
  for (const [change, sentence] of [
    [{ ROOMKIN_FRAMERATE: 'fast' }, 'ROOMKIN_FRAMERATE: must be a number'],
    [{ ROOMKIN_FRAMERATE: '100' }, 'ROOMKIN_FRAMERATE: '],
    [{ ROOMKIN_ROM: 'hall' }, 'ROOMKIN_ROM: there is no such option; did you mean ROOMKIN_ROOM?'],
    [{ ROOMKIN_MQTT_URL: 'mqtt://a:b@broker' }, 'ROOMKIN_MQTT_URL: put user and password into'],
  ] as const) {
    const { code, stderr } = await start({ ...env, ...change });
    t.equal(code, 78, sentence);
    t.ok(stderr.includes(sentence), stderr);
  }
  t.notOk(existsSync(state), 'nothing is written');
});

t.test('a plain container: a configuration file wins, and the folder of the state must be writable', async (t) => {
  const folder = t.testdir({ 'room.toml': '[room]\nid = "hall"\n', file: '' });
  const config = join(folder, 'room.toml');
  const state = join(folder, 'state');
  const { code, stderr } = await start({ ROOMKIN_CONFIG: config, ROOMKIN_STATE: state, ROOMKIN_ROOM: 'x' });
  t.equal(code, 0);
  t.equal(stderr, `roomkin: the configuration is ${config}\n`);
  t.notOk(existsSync(state));
  const env = { ROOMKIN_STATE: join(folder, 'file'), ROOMKIN_ROOM: 'hall', ROOMKIN_CAMERA: '/dev/video0' };
  t.match(await start(env), { code: 74, stderr: /^roomkin: OUTPUT: .*mount a volume/ });
});

t.test('every option is a key of config.toml', async (t) => {
  const example = readFileSync(join(dirname(program), '../../../config.example.toml'), 'utf8');
  for (const [option, { key }] of Object.entries(containerOptions)) {
    const [section, name] = key.split('.');
    const text = example.slice(example.indexOf(`[${section}]`)).split(/^\[/m)[1] ?? '';
    t.match(text, new RegExp(`^#?${name} = `, 'm'), option);
  }
});
