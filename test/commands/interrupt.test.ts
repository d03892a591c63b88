// Ctrl-C in the middle of each verb that takes long: it ends within a second with exit code 130, says nothing, and leaves nothing
// half-written. Before that it has shown what it does within a second of its start, also without a terminal.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { runCli, runVerb, spawnCli } from '../helpers/cli.js';
import { pictures } from '../helpers/room-pictures.js';
import { shortFolder } from '../helpers/short-folder.js';

t.setTimeout(300_000);

const folder = shortFolder(t);
const { frames } = await pictures(folder);
const config = join(folder, 'config.toml');
const slow = join(folder, 'slow.toml');
const settings = (state: string): string =>
  `[room]\nid = "lab"\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${join(folder, state)}"\n[camera]\n`;
writeFileSync(
  config,
  `${settings('s')}source = "replay"\ninput = "${frames}"\nloop = true\nwidth = 384\nheight = 256\n`,
);
// A camera that never gives a frame.
const silent = join(folder, 'silent');
mkdirSync(silent);
writeFileSync(join(silent, 'rpicam-vid'), '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
writeFileSync(slow, settings('t'));

const samples = join(packageRoot, 'node_modules', '@vladmandic', 'face-api', 'demo');
/** Photos for half a minute of work. */
const many = join(folder, 'many');
for (const person of ['ada', 'ben']) {
  mkdirSync(join(many, person), { recursive: true });
  for (let n = 0; n < 12; n++) cpSync(join(samples, `sample${1 + (n % 6)}.jpg`), join(many, person, `${n}.jpg`));
}
writeFileSync(
  join(folder, 'pairs.txt'),
  Array.from({ length: 11 }, (_, n) => `1 0 ada/${n}.jpg ada/${n + 1}.jpg`).join('\n'),
);
const out = (name: string): string => join(folder, 'out', name);
mkdirSync(out(''));

interface Case {
  readonly args: readonly string[];
  /** What it has printed when it is interrupted. */
  readonly at: RegExp;
  readonly env?: NodeJS.ProcessEnv;
}

const cases: readonly Case[] = [
  { args: ['enrol', 'Ada', '--photos', join(many, 'ada')], at: /photo \d+ of 12/ },
  { args: ['enrol', '--from', many], at: /loading the models/ },
  { args: ['identify', join(many, 'ada')], at: /photo \d+ of 12/ },
  { args: ['detect', join(many, 'ada')], at: /photo \d+ of 12/ },
  { args: ['detect', join(samples, 'sample1.jpg'), '--draw', out('detect.jpg')], at: /photo 1 of 1/ },
  { args: ['evaluate', 'pairs', '--images', many, '--pairs', join(folder, 'pairs.txt')], at: /picture \d+ of/ },
  { args: ['evaluate', 'household', '--images', many], at: /loading the models|picture \d+ of/ },
  { args: ['bench'], at: /measuring/ },
  { args: ['demo'], at: /loading the models|finding|drawing/ },
  { args: ['check', '--config', slow], at: /waiting for a frame/, env: { PATH: `${silent}:${process.env['PATH']}` } },
  {
    args: ['look', '--save', out('look.jpg'), '--config', slow],
    at: /waiting for a frame from the camera/,
    env: { PATH: `${silent}:${process.env['PATH']}` },
  },
];

/** What a process of Node takes to start on this machine now, milliseconds. Other tests run beside this one, more in one second than in the next. */
async function nodeStartMs(): Promise<number> {
  const startMs = performance.now();
  await runCli(['--version']);
  return performance.now() - startMs;
}
/** The longest of three. */
const typicalStartMs = Math.max(await nodeStartMs(), await nodeStartMs(), await nodeStartMs());

for (const { args, at, env } of cases)
  t.test(`${args[0]} ${args.filter((word) => word.startsWith('--')).join(' ')}`, async (t) => {
    const beforeMs = await nodeStartMs();
    const child = spawnCli(args, { ROOMKIN_CONFIG: config, ...env });
    const startMs = performance.now();
    let output = '';
    let firstMs = 0;
    let interruptedMs = 0;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        firstMs ||= performance.now() - startMs;
        output += text;
        if (interruptedMs > 0 || !at.test(output)) return;
        interruptedMs = performance.now();
        child.kill('SIGINT');
      });
    const code = await new Promise((resolve) => child.once('close', resolve));
    const tookMs = performance.now() - interruptedMs;
    const startsMs = Math.max(typicalStartMs, beforeMs, await nodeStartMs());
    t.ok(interruptedMs > 0, output);
    t.equal(code, 130);
    // Both within a second where nothing else runs; on a busy machine, Node's own start tells how much slower it is.
    t.ok(tookMs < 1000 + startsMs, `${tookMs.toFixed(0)} ms after Ctrl-C`);
    t.ok(
      firstMs < 1500 + 2 * startsMs,
      `first words after ${firstMs.toFixed(0)} ms, ${startsMs.toFixed(0)} ms of them Node's`,
    );
    t.notMatch(output, /^roomkin: /m, 'no message');
  });

t.test('nothing is half-written', async (t) => {
  t.same(JSON.parse((await runVerb(['people', '--json', '--config', config])).stdout).people, []);
  t.same(readdirSync(out('')), []);
  t.same(
    readdirSync('/tmp').filter((name) => name.startsWith('roomkin-demo-') && name.includes(String(process.pid))),
    [],
  );
});

t.test('long work without a terminal prints a line every few seconds, without escapes', async (t) => {
  const child = spawnCli(['identify', join(many, 'ada')], { ROOMKIN_CONFIG: config, TERM: 'dumb' });
  let stderr = '';
  child.stdout?.resume();
  const closed = new Promise((resolve) => child.once('close', resolve));
  const photoNamed = new Promise<void>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('photo 1 of 12\n')) resolve();
    });
  });
  await Promise.race([closed, photoNamed, wait(100_000, undefined, { ref: false })]);
  child.kill('SIGINT');
  await closed;
  t.match(stderr, /^(starting\.\.\.\n)?loading the models\.\.\.\nphoto 1 of 12\n/);
  t.notMatch(stderr, '\u001b');
});
