// `roomkin look` with a real daemon, and with the camera alone. The camera is a folder of pictures.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { pictureLines } from '../../src/commands/terminal-picture.js';
import { startAedes } from '../helpers/brokers.js';
import { runCli, runVerb, spawnCli } from '../helpers/cli.js';
import { pictures } from '../helpers/room-pictures.js';
import { shortFolder } from '../helpers/short-folder.js';

t.setTimeout(300_000);

const folder = shortFolder(t);
const { frames, portrait } = await pictures(folder);
const config = join(folder, 'config.toml');
const state = join(folder, 's');

function configure(url: string, more = ''): void {
  writeFileSync(
    config,
    `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256
[mqtt]\nurl = "${url}"\nprotocol = 4\n[store]\ndirectory = "${state}"\n${more}`,
  );
}

const files = (): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('s/'))
    .sort();

t.test('without a daemon the camera is asked itself, and nothing is stored', async (t) => {
  configure('mqtt://127.0.0.1:1');
  const before = files();
  const { code, stdout, stderr } = await runVerb(['look', '--config', config]);
  t.equal(code, 0, stderr);
  const lines = stdout.split('\n');
  for (const line of lines) t.ok(line.length <= 80, line);
  t.match(stdout, /384x256 px, 1 face$/m);
  t.match(stdout, /^ 1 {2}eyes \d\d px apart: good \(25 px or more\)$/m);
  t.ok(lines.filter((line) => /[@#%*]/.test(line)).length > 8, 'the picture, drawn with characters');
  t.ok(
    lines.some((line) => /1-+\+/.test(line)),
    'the face is marked with its number',
  );
  t.notMatch(stdout, '\u001b', 'not a terminal: no escapes');
  t.same(files(), before);
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'recognition'), 'off -  \n');
  const off = await runVerb(['look', '--config', config]);
  t.match(off, { code: 69, stdout: '', stderr: /CAMERA_BLIND: recognition is switched off, so no picture is taken/ });

  // A disk that could not be written says "on"; the copy in memory says what was set last.
  writeFileSync(join(state, 'recognition'), 'on  on \n');
  const runtime = join(folder, 'runtime');
  mkdirSync(runtime);
  writeFileSync(join(runtime, 'lab.recognition'), 'off -  \n');
  const copied = await runCli(['look', '--config', config], { RUNTIME_DIRECTORY: runtime });
  t.match(copied, {
    code: 69,
    stdout: '',
    stderr: /CAMERA_BLIND: recognition is switched off, so no picture is taken/,
  });
  rmSync(runtime, { recursive: true });
  rmSync(state, { recursive: true });
});

t.test('the daemon is asked for one picture at a time', async (t) => {
  await using broker = await startAedes();
  configure(broker.url);
  t.equal((await runVerb(['enrol', 'Ada', '--photos', portrait, '--config', config])).code, 0);
  const daemon = spawnCli(['run', '--config', config]);
  t.teardown(() => daemon.kill('SIGKILL'));
  let status = '';
  while (!status.includes('"recognition":"on"')) {
    if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}`);
    status = (await runVerb(['status', '--json', '--config', config])).stdout;
  }

  const before = files();
  let view: { faces: { name: string | null; size: string }[] } = { faces: [] };
  for (let tries = 0; tries < 20 && view.faces[0]?.name !== 'Ada'; tries++) {
    const { code, stdout, stderr } = await runVerb(['look', '--json', '--config', config]);
    t.equal(code, 0, stderr);
    view = JSON.parse(stdout);
  }
  t.match(view, { width: 384, height: 256, saved: null, faces: [{ name: 'Ada', size: 'good' }] });
  t.notMatch(JSON.stringify(view), 'jpeg', 'no picture where nobody asked for one');
  t.same(files(), before);

  const saved = join(folder, 'aim.jpg');
  for (let times = 0; times < 2; times++) {
    const { code, stdout } = await runVerb(['look', '--save', saved, '--config', config]);
    t.equal(code, 0);
    t.match(stdout, /1 face; saved as .*aim\.jpg\n 1 {2}eyes/);
  }
  t.match(await sharp(saved).metadata(), { format: 'jpeg', width: 384, height: 256 });
  t.equal(statSync(saved).mode & 0o777, 0o600);
  t.same(files(), [...before, 'aim.jpg'].sort(), 'and no other file');

  t.equal((await runVerb(['pause', '--config', config])).code, 0);
  t.match(await runVerb(['look', '--config', config]), {
    code: 69,
    stdout: '',
    stderr: /CAMERA_BLIND: recognition is switched off/,
  });
  t.equal((await runVerb(['resume', '--config', config])).code, 0);
  const again = await runCli(['look', '--config', config]);
  t.equal(again.code, 0, again.stderr);

  configure(broker.url, '[privacy]\nlook = false\n');
  daemon.kill('SIGHUP');
  t.match(await runVerb(['look', '--config', config]), { code: 78, stderr: /CAMERA_FORBIDDEN: .*look = false/ });
  configure(broker.url);
  let refused = '';
  for (let tries = 0; tries < 100 && !refused.includes('CAMERA_FORBIDDEN'); tries++) {
    refused = (await runVerb(['look', '--config', config])).stderr;
  }
  t.match(refused, /CAMERA_FORBIDDEN/, 'the configuration of the daemon counts, not that of who asks');
});

t.test('a small picture in colours and without', async (t) => {
  const rgb = new Uint8Array(6 * 4 * 3).fill(200);
  const picture = {
    width: 6,
    height: 4,
    rgb,
    boxes: [{ left: 1, top: 0, right: 9, bottom: 3, number: 1, colour: [255, 0, 0] as const }],
  };
  t.same(pictureLines(picture, 'none'), ['#1---+', '#+---+']);
  for (const colours of ['256', 'all'] as const) {
    const lines = pictureLines(picture, colours);
    t.equal(lines.length, 2);
    for (const line of lines) {
      t.equal(line.replaceAll(/\u001b\[[\d;]*m/g, '').length, 6);
      t.ok(line.endsWith('\u001b[0m'));
    }
    t.match(lines.join(''), colours === 'all' ? '38;2;255;0;0' : '38;5;196');
  }
  t.same(rgb, new Uint8Array(6 * 4 * 3).fill(200), 'the picture itself stays as it is');
});
