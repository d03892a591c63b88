// The README holds: every command on it is run here, on an installed system, by a plain user in the group of the daemon (those with
// sudo: by root), and shows what the page says. What another test or .ci/run runs is listed with its file.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import { packageRoot } from '../src/base/files.js';
import { startAedes } from './helpers/brokers.js';
import { type Installed, installed, withoutUsers } from './helpers/installed.js';
import { scriptedCamera } from './helpers/scripted-camera.js';
import { shortFolder } from './helpers/short-folder.js';

t.setTimeout(600_000);

const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
const { homepage } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { homepage: string };

/** Every command: lines of shell blocks without their comments, and code in the text that begins with roomkin or sudo. */
function commandsOf(text: string): string[] {
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trim().split('\n'));
  const prose = text.replaceAll(/^```.*?^```$/gms, '');
  const inline = [...prose.matchAll(/`((?:sudo )?(?:roomkin|systemctl|npm) [^`]+)`/g)].map(
    ([, command = '']) => command,
  );
  return [...new Set([...blocks, ...inline].map((line) => line.replace(/\s+#.*$/, '').trim()))];
}

/** What is not run here, with the file that runs it. */
const elsewhere: readonly (readonly [command: RegExp, file: string, says: RegExp])[] = [
  [/^git clone /, 'package.json', /"homepage"/],
  [/^npm ci && npm run demo$/, '.ci/run', /npm ci.*npm run --silent demo/s],
  [/^sudo apt-get install /, '.ci/run', /apt-get install -y/],
  [/^npm ci && npm test$/, '.ci/run', /npm run test:coverage/],
  [/^sudo \.\/deploy\/install/, 'test/deploy/install.test.ts', /deploy\/install|'install'/],
  [/^sudo apt (install|remove|purge) /, 'test/deploy/package.sh', /apt-get install .*apt-get remove .*apt-get purge /s],
  [/^sudo roomkin setup$/, 'test/commands/setup.test.ts', /'setup'/],
  [/^npm ci && npm run release$/, '.github/workflows/release.yml', /npm ci.*npm run release/s],
  [/^sudo systemctl /, 'test/deploy/unit.test.ts', /roomkin\.service/],
  [/^sudo roomkin enrol Ben --live$/, 'test/commands/enrol/live.test.ts', /--live/],
  [/^sudo roomkin enrol Ada --phone$/, 'test/phone/enrol.test.ts', /--phone/],
  [/^sudo roomkin open$/, 'test/phone/open.test.ts', /'open'/],
  [/^sudo roomkin household --join$/, 'test/commands/household.test.ts', /--join/],
];

interface Shown {
  /** What the output must contain. */
  readonly shows: readonly RegExp[];
  /** What it must not contain. */
  readonly never?: RegExp;
  /** It ends only with Ctrl-C: this many milliseconds after it has shown everything. */
  readonly endless?: true;
  /** Runs before it. */
  readonly before?: () => Promise<void>;
  /** Changes of the command for this room. */
  readonly as?: (command: string) => string;
}

t.test('every command is run here or by a file that is named', async (t) => {
  const wanted = Object.keys(await commands(null));
  for (const command of commandsOf(readme)) {
    const [, file, says] = elsewhere.find(([pattern]) => pattern.test(command)) ?? [];
    if (file === undefined) t.ok(wanted.includes(command), `${command}: add it to this test`);
    else if (existsSync(join(packageRoot, file)))
      t.match(readFileSync(join(packageRoot, file), 'utf8'), says!, `${command}: ${file}`);
    else t.fail(`${command}: there is no ${file}`);
  }
  for (const command of wanted) t.ok(commandsOf(readme).includes(command), `${command} is no longer on the page`);
  t.match(readme, `git clone ${homepage.replace(/#.*$/, '')} `, 'the address of the repository');
});

t.test('every key of "I want" is in config.example.toml', async (t) => {
  const example = readFileSync(join(packageRoot, 'config.example.toml'), 'utf8');
  const section = readme.slice(readme.indexOf('\n## I want'), readme.indexOf('\n## More'));
  const keys = [...section.matchAll(/`\[(\w+)\] (\w+)`/g)];
  t.ok(keys.length >= 20, `${keys.length} keys`);
  for (const [, name, key] of keys) {
    const text = example.slice(example.indexOf(`\n[${name}]\n`)).split(/\n\[/)[1] ?? '';
    t.match(text, new RegExp(`^#?${key} = `, 'm'), `[${name}] ${key}`);
  }
});

t.test('what it shows of the demo is what the demo prints', async (t) => {
  const block = /```\nThe camera is running[^\n]*\n(.*?)```/s.exec(readme)?.[1] ?? '';
  const lines = block.trimEnd().split('\n');
  t.equal(lines.length, 6);
  for (const line of lines)
    t.match(line, /^ {2}[ \d]{3}\.\d s {2}(Ada|Grace|an unknown person) (arrived|left) +confidence (high|medium) +\S/);
});

/** Runs a line of shell as a plain user, or as root where it begins with sudo. Ends it with Ctrl-C where it is endless. */
async function shell(
  room: Installed,
  command: string,
  { shows, endless }: Shown,
): Promise<{ code: number | null; output: string }> {
  const user = command.startsWith('sudo ') ? 'root' : 'plain';
  const [program, ...args] = room.as(user, ['bash', '--noprofile', '--norc', '-c', command.replace(/^sudo /, '')]);
  const child = spawn(program!, args, {
    cwd: room.open,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...room.env, PATH: `${room.open}/bin:${process.env['PATH']}`, TERM: 'dumb' },
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const limit = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 90_000);
  if (endless) {
    for (let tries = 0; tries < 300 && !shows.every((pattern) => pattern.test(output)); tries++) await wait(100);
    process.kill(-child.pid!, 'SIGINT');
  }
  const code = await ended;
  clearTimeout(limit);
  return { code, output };
}

/** The commands of the page that are run here, in the order in which they are run. `stage`: the room; null to list them. */
async function commands(stage: Stage | null): Promise<Readonly<Record<string, Shown>>> {
  const on = (scene: Parameters<Stage['until']>[0], says: RegExp) => () => stage!.until(scene, says);
  return {
    'roomkin help': { shows: [/^Usage: roomkin VERB/m, /^ {2}look +Show what the camera sees/m] },
    'roomkin help look': { shows: [/^Usage: roomkin look/m, /Exit codes:/] },
    'roomkin status': {
      before: on('ada', /lab: Ada$/m),
      shows: [/^room +lab: Ada$/m, /^camera +online/m, /^mqtt +connected/m],
    },
    'roomkin look': { shows: [/\d+x\d+ px, 1 face$/m, /eyes \d\d px apart: good/, /Ada: /] },
    'roomkin check': {
      shows: [/^ok {3}camera +online/m, /^ok {3}gallery +1 person/m, /^ok {3}broker/m],
      never: /^FAIL/m,
    },
    'roomkin people': { shows: [/^Ada \(ada\) +\d photos?, since/m] },
    'roomkin people --check': { shows: [/^\d photos? of 1 person: no problem found$/m] },
    'roomkin calibrate': { shows: [/^Budget: 1 wrong name a month/m, /^Ada +\d +0\.\d\d +0\.\d\d/m] },
    'roomkin identify a.jpg': { shows: [/a\.jpg: 1 face/, /Ada \(similarity \d\.\d\d/, /reaches/] },
    'roomkin why --last 20': { shows: [/observation \d+ /, /eyes \d+ px apart/, /Ada/] },
    'roomkin why --json': { shows: [/^\{"looks":\[\{"id":\d+/m, /"eyesPx":/], never: /jpeg|base64/i },
    'roomkin replay': { shows: [/\d+ tracks? from .*: no decision changes/s] },
    'roomkin household': { shows: [/^Nothing is shared: people enrolled in lab are known in lab only/m] },
    'roomkin check --privacy': {
      shows: [
        /^pictures +none of the \d+ files in .* is a picture/m,
        /^daemon +process \d+: 1 connection, to 127\.0\.0\.1:\d+$/m,
        /^recognition +process \d+: (no connection|the kernel does not tell)/m,
        /^camera +rpicam-vid, process \d+: no connection$/m,
      ],
    },
    'roomkin pause && roomkin check --privacy; roomkin resume': {
      shows: [/The camera has stopped/, /^camera +no process runs, so no picture is taken$/m, /The camera is starting/],
      never: /rpicam-vid/,
    },
    'roomkin pause && roomkin status; roomkin resume': {
      shows: [/^room +lab: not known while the camera gives no picture$/m, /^recognition +off/m],
      never: /nobody|Ada/,
    },
    'roomkin watch': {
      before: async () => {
        await stage!.until('ada', /lab: Ada$/m);
        await stage!.until('back', /lab: Ada \(assumed\)$/m);
      },
      endless: true,
      shows: [/now: Ada \(assumed\)$/m],
    },
    'roomkin correct 128 --not Ada': {
      before: on('visitor', /1 unknown person|somebody|nobody/),
      as: (command) => command.replace('128', stage!.observationOfVisitor),
      shows: [/is not Ada: faces like it no longer get the name Ada/, /roomkin correct --undo 1 reverts this/],
    },
    'roomkin correct --undo 1': { shows: [/^Reverted: an observation that is not Ada/m] },
    'roomkin bench': { as: (command) => `${command} --seconds 0.1`, shows: [/XNNPACK/, /embed/] },
    'roomkin evaluate household --images DIR': {
      as: (command) => `${command.replace('DIR', 'faces')} --people 2 --references 1 --trials 3`,
      shows: [/FNIR/, /FPIR/],
    },
    'roomkin evaluate pairs --images DIR --pairs FILE': {
      as: (command) => command.replace('DIR', 'faces').replace('FILE', 'pairs.txt'),
      shows: [/^2 pairs of 3 pictures/m, /accuracy/],
    },
    'sudo roomkin enrol Ada --photos ada/': { shows: [/^Ada \(ada\): 2 photos read/m] },
    'sudo roomkin forget Ada': {
      as: (command) => `${command} --yes`,
      shows: [/^Ada is forgotten$/m, /Checked: the key and the \d templates? of Ada are in none\s+of the \d+ files/],
    },
    'sudo roomkin household --new': { shows: [/This room now has a household key/] },
  };
}

interface Stage {
  /** Shows the scene until `roomkin status` says so. */
  until(scene: 'empty' | 'ada' | 'back' | 'visitor', says: RegExp): Promise<void>;
  /** The number of an observation of the visitor that may be corrected. */
  readonly observationOfVisitor: string;
}

t.test('the commands, as a plain user in the group', { skip: withoutUsers }, async (t) => {
  const folder = shortFolder(t);
  chmodSync(folder, 0o755);
  const camera = await scriptedCamera(folder);
  await using broker = await startAedes();
  const room = installed(
    folder,
    `[room]\nid = "lab"\n[camera]\nwidth = ${camera.width}\nheight = ${camera.height}
[presence]\nleave_after_seconds = 15\n[mqtt]\nurl = "${broker.url}"\nprotocol = 4`,
    { PATH: `${camera.programs}:${process.env['PATH']}` },
  );
  // The photos that the page names.
  mkdirSync(join(room.open, 'ada'));
  cpSync(camera.portrait, join(room.open, 'a.jpg'));
  cpSync(camera.portrait, join(room.open, 'ada', '1.jpg'));
  await sharp(camera.portrait)
    .modulate({ brightness: 0.8 })
    .blur(1)
    .jpeg()
    .toFile(join(room.open, 'ada', '2.jpg'));
  const samples = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo');
  for (const [name, file, left, top] of [
    ['ada', 'sample3.jpg', 900, 150],
    ['bea', 'sample2.jpg', 1290, 60],
    ['cleo', 'sample2.jpg', 760, 120],
    ['dora', 'sample5.jpg', 180, 740],
  ] as const) {
    mkdirSync(join(room.open, 'faces', name), { recursive: true });
    const face = sharp(join(samples, file)).extract({ left, top, width: 460, height: 460 });
    for (const [index, brightness] of [1, 0.8, 0.9].entries())
      await face
        .clone()
        .modulate({ brightness })
        .jpeg()
        .toFile(join(room.open, 'faces', name, `${index}.jpg`));
  }
  writeFileSync(join(room.open, 'pairs.txt'), '1 0 ada/0.jpg ada/1.jpg\n0 0 ada/0.jpg bea/0.jpg\n');
  mkdirSync(join(room.open, 'bin'));
  writeFileSync(join(room.open, 'bin', 'roomkin'), room.program);
  chmodSync(join(room.open, 'bin', 'roomkin'), 0o755);

  const enrolling = 'sudo roomkin enrol Ada --photos ada/';
  const stage: Stage & { observationOfVisitor: string } = {
    observationOfVisitor: '',
    async until(scene, says) {
      camera.show(scene);
      for (let tries = 0; tries < 60; tries++) {
        const { stdout } = await room.roomkin('plain', 'status');
        if (says.test(stdout)) break;
        await wait(200);
      }
      if (scene !== 'visitor') return;
      for (let tries = 0; tries < 60 && stage.observationOfVisitor === ''; tries++) {
        const { stdout } = await room.roomkin('plain', 'why', '--json', '--last', '5');
        const { looks } = JSON.parse(stdout) as { looks: { id: number; best: { similarity: number } | null }[] };
        const visitor = looks.find(({ best }) => best !== null && best.similarity < 0.5);
        if (visitor !== undefined) stage.observationOfVisitor = String(visitor.id);
        await wait(200);
      }
    },
  };
  const { [enrolling]: enrolment, ...rest } = await commands(stage);
  const run = async (command: string, shown: Shown): Promise<void> => {
    await shown.before?.();
    const startMs = performance.now();
    const { code, output } = await shell(room, shown.as?.(command) ?? command, shown);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    t.equal(code, 0, `${command} (${seconds} s): ${output}`);
    for (const pattern of shown.shows) t.match(output, pattern, command);
    if (shown.never !== undefined) t.notMatch(output, shown.never, command);
    t.notMatch(output, /\u001b|EACCES|chmod/, command);
    const wide = output
      .replaceAll(folder, '/f')
      .split('\n')
      .filter((line) => [...line].length > 80 && !line.startsWith('{'));
    t.same(wide, [], `${command}: 80 columns`);
  };
  await run(enrolling, enrolment!);
  const daemon = await room.startDaemon();
  t.teardown(() => daemon.kill('SIGKILL'));
  for (const [command, shown] of Object.entries(rest)) await run(command, shown);
});
