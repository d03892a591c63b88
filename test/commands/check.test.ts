// `roomkin check` as a process: on a machine with faults and on one without.
import { appendFileSync, chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import type { Finding } from '../../src/commands/check/finding.js';
import { checkClock, checkDisk, checkHeat, checkNode } from '../../src/commands/check/machine.js';
import { findingLines } from '../../src/commands/check.js';
import { startAedes } from '../helpers/brokers.js';
import { runVerb } from '../helpers/cli.js';
import { shortFolder } from '../helpers/short-folder.js';

interface Report {
  readonly ok: boolean;
  readonly checks: readonly Finding[];
}

/** A configuration with a replayed folder of one grey picture. */
async function configure(folder: string, url: string, input = join(folder, 'pictures')): Promise<string> {
  const path = join(folder, 'config.toml');
  const grey = sharp({ create: { width: 64, height: 64, channels: 3, background: '#888' } });
  if (existsSync(join(folder, 'pictures'))) await grey.jpeg().toFile(join(folder, 'pictures', '1.jpg'));
  const camera = `[camera]\nsource = "replay"\ninput = "${input}"\nwidth = 64\nheight = 64\nloop = true\n`;
  writeFileSync(path, `[room]\nid = "lab"\n${camera}[mqtt]\nurl = "${url}"\n[store]\ndirectory = "${folder}/store"\n`);
  return path;
}

const stateOf = ({ checks }: Report, name: string): string | undefined => checks.find((f) => f.check === name)?.state;

t.test('on a complete machine no check fails, and nothing is created', async (t) => {
  const folder = shortFolder(t);
  mkdirSync(join(folder, 'pictures'));
  await using broker = await startAedes();
  const { code, stdout, stderr } = await runVerb(['check', '--json', '--config', await configure(folder, broker.url)]);
  const report = JSON.parse(stdout) as Report;
  t.equal(code, 0, stdout + stderr);
  t.equal(report.ok, true);
  for (const name of ['node', 'config', 'camera', 'broker']) t.equal(stateOf(report, name), 'ok', name);
  t.equal(stateOf(report, 'daemon'), 'warn');
  t.equal(stateOf(report, 'gallery'), 'warn', 'nobody enrolled yet');
  t.notOk(existsSync(join(folder, 'store')), 'a doctor leaves no files');
});

t.test('a missing camera and a missing broker fail, each with advice, in 80 columns', async (t) => {
  const folder = shortFolder(t);
  mkdirSync(join(folder, 'pictures'));
  const path = await configure(folder, 'mqtt://127.0.0.1:1', join(folder, 'absent'));
  const { code, stdout, stderr } = await runVerb(['check', '--config', path]);
  t.equal(code, 69);
  t.match(stderr, /^roomkin: CHECK_FAILED: 2 of \d+ checks failed: camera, broker$/m);
  t.match(stdout, /^FAIL camera/m);
  t.match(
    stdout.replaceAll(/\s+/g, ' '),
    /FAIL broker 127\.0\.0\.1:1 does not accept the connection: nobody listens there/,
  );
  for (const line of stdout.replaceAll(folder, '/f').split('\n')) t.ok(line.length <= 80, line);
});

t.test("a camera's password is in no finding and no line, also when the camera refuses it", async (t) => {
  const server = createHttpServer((_, response) => response.writeHead(401, { 'WWW-Authenticate': 'Basic' }).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const folder = shortFolder(t);
  const { port } = server.address() as { port: number };
  const path = join(folder, 'config.toml');
  for (const address of [
    `http://ada:s3/cr#et@127.0.0.1:${port}/live?token=t0ken`,
    'rtsp://ada:s3/cr#et@127.0.0.1:1/live?token=t0ken',
    'rtsp://ada:s3@cr/t0ken@cam/live',
  ]) {
    writeFileSync(
      path,
      `[room]\nid = "lab"\n[camera]\nsource = "ffmpeg"\ninput = "${address}"\n` +
        `[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${folder}/store"\n[service]\nlog_level = "debug"\n`,
    );
    for (const json of [[], ['--json']]) {
      const { stdout, stderr } = await runVerb(['check', '--config', path, ...json]);
      t.match(stdout + stderr, /\[camera\]|camera\.input|ffmpeg/);
      t.notMatch(stdout + stderr, /s3|cr(#|%23)et|t0ken/);
    }
  }
});

t.test('a broker that does not answer fails', async (t) => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const folder = shortFolder(t);
  mkdirSync(join(folder, 'pictures'));
  const { port } = server.address() as { port: number };
  const path = await configure(folder, `mqtt://127.0.0.1:${port}`);
  const { stdout } = await runVerb(['check', '--json', '--config', path]);
  t.equal(stateOf(JSON.parse(stdout), 'broker'), 'fail');
});

t.test('a bad configuration is one failed check with every fault, and the machine is still checked', async (t) => {
  const folder = t.testdir({ 'config.toml': '[room]\nid = "A"\nnmae = 1\n' });
  const { code, stdout, stderr } = await runVerb(['check', '--json', '--config', join(folder, 'config.toml')]);
  const report = JSON.parse(stdout) as Report;
  t.equal(code, 78);
  t.match(stderr, /^roomkin: CONFIG_INVALID: 1 of \d checks failed: config\n$/);
  t.match(report.checks.find((f) => f.check === 'config')?.advice, /room\.id.*room\.nmae/);
  t.ok(stateOf(report, 'heat'));
});

t.test('a path that is too long for the control socket fails, as it does in the daemon', async (t) => {
  const folder = shortFolder(t);
  mkdirSync(join(folder, 'pictures'));
  const path = await configure(folder, 'mqtt://127.0.0.1:1');
  appendFileSync(path, `[service]\ncontrol_socket = "/run/${'x'.repeat(110)}.sock"\n`);
  const { stdout } = await runVerb(['check', '--json', '--config', path]);
  const finding = (JSON.parse(stdout) as Report).checks.find(({ check }) => check === 'daemon');
  t.match(finding, { state: 'fail', code: 'CONFIG_INVALID', found: /service\.control_socket is too long/ });
});

t.test('an embedder that does not exist fails with exit code 78', async (t) => {
  const folder = shortFolder(t);
  mkdirSync(join(folder, 'pictures'));
  const path = await configure(folder, 'mqtt://127.0.0.1:1');
  writeFileSync(
    path,
    `[embedder]\nid = "nonesuch"\n[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${folder}/x"\n`,
  );
  const { code, stdout } = await runVerb(['check', '--json', '--config', path]);
  t.equal(code, 78);
  t.equal(stateOf(JSON.parse(stdout), 'models'), 'fail');
});

t.test('an old Node and a 32-bit system fail', async (t) => {
  t.equal(checkNode('20.19.0', 'arm64').state, 'ok');
  t.equal(checkNode('24.0.0', 'x64').state, 'ok');
  t.equal(checkNode('24.19.0', 'x64').state, 'warn');
  t.equal(checkNode('20.18.3', 'arm64').state, 'fail');
  t.equal(checkNode('18.20.4', 'arm64').state, 'fail');
  t.equal(checkNode('22.0.0', 'arm').state, 'fail');
});

t.test('temperature and power supply are read from the board', async (t) => {
  const board = (celsius: number, bits: string): string =>
    t.testdir({
      sys: {
        class: { thermal: { thermal_zone0: { temp: `${celsius * 1000}\n` } } },
        devices: { platform: { soc: { 'soc:firmware': { get_throttled: `${bits}\n` } } } },
      },
    });
  t.match(await checkHeat(board(52, '0')), { state: 'ok', found: '52 °C' });
  t.match(await checkHeat(board(52, '50000')), { state: 'ok' }, 'what happened once is over');
  t.match(await checkHeat(board(79, '0')), { state: 'warn', advice: /heat sink/ });
  t.match(await checkHeat(board(84, '4')), { state: 'warn', found: /slowed down/ });
  t.match(await checkHeat(board(40, '1')), { state: 'warn', advice: /power supply/ });
  t.match(await checkHeat('/nonexistent'), { state: 'ok' });
});

t.test('the clock check follows timedatectl', async (t) => {
  const folder = shortFolder(t);
  const answer = async (script: string): Promise<string> => {
    const path = join(folder, 'timedatectl');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return (await checkClock(path)).state;
  };
  t.equal(await answer('echo yes'), 'ok');
  t.equal(await answer('echo no'), 'warn');
  t.equal(await answer('exit 1'), 'warn');
  t.equal((await checkClock('/nonexistent')).state, 'warn');
});

t.test('disk space is that of the folder of the gallery', async (t) => {
  t.match(await checkDisk('/nonexistent/deep/down'), { found: / at \/$/ });
});

t.test('continuation lines are indented under the text', async (t) => {
  const finding: Finding = {
    check: 'camera',
    state: 'fail',
    found: 'gone',
    advice: 'word '.repeat(30).trim(),
    code: null,
  };
  const lines = findingLines(finding, 60);
  t.equal(lines[0]?.slice(0, 24), 'FAIL camera       gone: ');
  t.ok(lines.length > 2 && lines.slice(1).every((line) => line.startsWith(' '.repeat(18)) && line.length <= 60));
});

t.test('check says that an address gives single pictures, and that the picture is turned', async (t) => {
  const folder = shortFolder(t);
  const picture = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#888' } })
    .jpeg()
    .toBuffer();
  const server = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  const path = join(folder, 'config.toml');
  const camera = `source = "ffmpeg"\ninput = "http://127.0.0.1:${port}/now.jpg"\nwidth = 128\nheight = 96\nrotation = 90\n`;
  const store = `[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${folder}/store"\n`;
  writeFileSync(path, `[room]\nid = "lab"\n[camera]\n${camera}${store}`);
  const { stdout } = await runVerb(['check', '--json', '--config', path]);
  const found = (JSON.parse(stdout) as Report).checks.find(({ check }) => check === 'camera');
  t.match(found, { state: 'ok', found: /96x128.*snapshot address.*every 1 s.*turned by 90 degrees/ });
});

t.test('what rpicam-vid said is in the advice of check', async (t) => {
  const folder = shortFolder(t);
  mkdirSync(join(folder, 'bin'));
  const program = join(folder, 'bin', 'rpicam-vid');
  const store = `[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${folder}/store"\n`;
  const path = join(folder, 'config.toml');
  writeFileSync(path, `[room]\nid = "lab"\n${store}`);
  const searched = process.env['PATH'];
  process.env['PATH'] = `${join(folder, 'bin')}:${searched}`;
  t.teardown(() => {
    process.env['PATH'] = searched;
  });
  for (const [status, text, advice] of [
    [127, 'rpicam-vid: symbol lookup error: libcamera.so.0.3: undefined symbol: _ZN7libpisp22', /full-upgrade/],
    [3, 'words \u001b[2J that nobody knows', /status 3: words \\u001b\[2J that nobody knows/],
  ] as const) {
    writeFileSync(program, `#!/bin/sh\ncat >&2 <<'X'\n${text}\nX\nexit ${status}\n`);
    chmodSync(program, 0o755);
    const { stdout } = await runVerb(['check', '--json', '--config', path]);
    const found = (JSON.parse(stdout) as Report).checks.find(({ check }) => check === 'camera');
    t.match(found, { state: 'fail', advice });
  }
});
