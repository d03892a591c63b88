// Guided enrolment end to end: a real daemon with the real models, whose camera is a folder that the test fills anew.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import { type CliResult, collect, runVerb, spawnCli } from '../../helpers/cli.js';
import { shortFolder } from '../../helpers/short-folder.js';
import { drawEverySide, drawFront, drawTwo, frameHeightPx, frameWidthPx } from './live-frames.js';

t.setTimeout(300_000);
const patienceMs = 90_000;

const folder = shortFolder(t);
const at = (...names: string[]): string => join(folder, ...names);
const config = at('config.toml');
writeFileSync(
  config,
  `[room]\nid = "lab"\n[camera]\nsource = "replay"\ninput = "${at('shown')}"\nloop = true\nwidth = ${frameWidthPx}
height = ${frameHeightPx}\nframerate = 5\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[store]\ndirectory = "${at('store')}"\n`,
);
await Promise.all([drawFront(at('front')), drawEverySide(at('every')), drawTwo(at('two'))]);

/** The camera replays the pictures of this folder from its next round on. */
function show(name: string): void {
  symlinkSync(at(name), at('next'));
  renameSync(at('next'), at('shown'));
}

const roomkin = (...args: string[]): Promise<CliResult> => runVerb([...args, '--config', config]);
const people = async (): Promise<string[]> =>
  JSON.parse((await roomkin('people', '--json')).stdout).people.map(({ name }: { name: string }) => name);

interface Running {
  /** Resolves when stderr matches `what`. */
  printed(what: RegExp): Promise<void>;
  readonly ended: Promise<CliResult>;
}

/** Waits for `what` in the text that `stderr` gives; throws when the verb has ended without it. */
async function waitUntilPrinted(what: RegExp, stderr: () => string, hasEnded: () => boolean): Promise<void> {
  for (const end = Date.now() + patienceMs; !what.test(stderr()); await wait(50)) {
    if (Date.now() > end || hasEnded()) throw new Error(`never printed ${what}: ${stderr()}`);
  }
}

/** A verb that goes on in this process. */
function startVerb(...args: string[]): Running {
  let [stderr, hasEnded] = ['', false];
  const onStderr = (text: string): void => {
    stderr = text;
  };
  const ended = runVerb([...args, '--config', config], { onStderr }).finally(() => {
    hasEnded = true;
  });
  return {
    ended,
    printed: (what) =>
      waitUntilPrinted(
        what,
        () => stderr,
        () => hasEnded,
      ),
  };
}

function start(...args: string[]): Running & { readonly child: ChildProcess } {
  const child = spawnCli([...args, '--config', config]);
  t.teardown(() => child.kill('SIGKILL'));
  const { written, ended } = collect(child);
  return {
    child,
    ended,
    printed: (what) =>
      waitUntilPrinted(
        what,
        () => written.stderr,
        () => child.exitCode !== null,
      ),
  };
}

let daemon: ReturnType<typeof start>;

t.test('a wrong command line is refused before anything starts', async (t) => {
  for (const [words, code, message] of [
    [['--live'], 64, /one NAME is needed/],
    [['Ada', 'Ben', '--live'], 64, /one NAME is needed/],
    [['Ada', '--live', '--photos', 'a.jpg'], 64, /one of --photos, --phone, --live and --from is needed/],
    [['Ada', '--live', '--skip-bad'], 64, /--skip-bad and --face are for photos/],
    [['no/body', '--live'], 65, /NAME_REFUSED/],
    [['Ada', '--live'], 69, /DAEMON_NOT_RUNNING: no daemon answers.*; nothing was enrolled$/m],
  ] as const) {
    const refused = await roomkin('enrol', ...words);
    t.equal(refused.code, code, words.join(' '));
    t.match(refused.stderr, message);
    t.equal(refused.stdout, '');
  }
});

t.test('with two faces it waits and says why; after Ctrl-C nothing is enrolled', async (t) => {
  show('two');
  daemon = start('run');
  await daemon.printed(/the camera is online/);
  const enrolment = start('enrol', 'Ada', '--live');
  await enrolment.printed(/one face only, please: 2 are visible/);
  enrolment.child.kill('SIGINT');
  t.equal((await enrolment.ended).code, 130);
  t.same(await people(), []);
});

t.test('a pause ends the enrolment, and a paused room starts none', async (t) => {
  show('front');
  const enrolment = startVerb('enrol', 'Ada', '--live');
  await enrolment.printed(/\d\/15 turn your head to your left/);
  t.equal((await roomkin('pause')).code, 0);
  const { code, stderr, stdout } = await enrolment.ended;
  t.equal(code, 69);
  t.match(stderr, /^roomkin: CAMERA_BLIND: .*switch it on with roomkin resume, then try again; nothing was enrolled$/m);
  t.equal(stdout, '');
  const paused = await roomkin('enrol', 'Ada', '--live');
  t.match(paused, { code: 69, stderr: /CAMERA_BLIND/ });
  t.same(await people(), []);
  t.equal((await roomkin('resume')).code, 0);
});

t.test('a person who turns to every side is enrolled, and the room recognises her', async (t) => {
  show('front');
  const enrolment = start('enrol', 'Ada', '--live', '--json');
  await enrolment.printed(/turn your head to your left/);
  show('every');
  const { code, stdout, stderr } = await enrolment.ended;
  t.equal(code, 0, stderr);
  const document = JSON.parse(stdout);
  t.match(document, {
    people: [{ person: 'ada', name: 'Ada', poses: { front: 5, left: 3, right: 3 } }],
    selfTest: { result: 'passed', looks: 8, named: 8, rule: /similarity/ },
  });
  const [{ poses, looks, added, templates }] = document.people;
  t.ok(poses.up > 0 && poses.down > 0, 'every pose was taken');
  t.ok(added > 10 && added <= looks && templates === added);
  t.ok(document.selfTest.leastSimilarity > document.selfTest.needed);
  t.same(
    stderr.split('\n').filter((line) => line.length > 80),
    [],
  );
  const shown = JSON.parse((await roomkin('show', 'Ada', '--json')).stdout);
  t.equal(shown.templates.length, templates);
  t.ok(shown.templates.every(({ quality }: { quality: { eyesPx: number } }) => quality.eyesPx >= 40));
});

t.test('the same face under another name is refused before it turns its head', async (t) => {
  show('front');
  const refused = await roomkin('enrol', 'Ben', '--live');
  t.equal(refused.code, 65);
  t.match(refused.stderr, /^roomkin: PERSON_TOO_ALIKE: the samples of Ben look like Ada, .*nothing was enrolled/m);
  t.same(await people(), ['Ada']);
});

t.test('a second enrolment adds samples, and says that she is recognised', async (t) => {
  const enrolment = startVerb('enrol', 'ada', '--live');
  await enrolment.printed(/turn your head to your left/);
  show('every');
  const { code, stdout, stderr } = await enrolment.ended;
  t.equal(code, 0, stderr);
  const [first, ...rest] = stdout.split('\n');
  t.match(first, /^Ada \(ada\): \d+ samples taken; \d+ added, \d+ photos in use$/);
  const test = rest.join(' ').replaceAll(/\s+/g, ' ').trim();
  t.match(test, /^Ada is recognised: 8 of 8 observations have the name, lowest similarity 0\.\d\d, 0\.\d\d needed$/);
});

t.test('if the daemon dies during the enrolment, nothing is enrolled', async (t) => {
  show('front');
  const before = (await roomkin('show', 'Ada', '--json')).stdout;
  const enrolment = startVerb('enrol', 'Ada', '--live');
  await enrolment.printed(/turn your head to your left/);
  daemon.child.kill('SIGKILL');
  const { code, stderr } = await enrolment.ended;
  t.equal(code, 69);
  t.match(stderr, /^roomkin: DAEMON_NOT_RUNNING: the daemon has stopped; nothing was enrolled$/m);
  t.equal((await roomkin('show', 'Ada', '--json')).stdout, before);
});

t.test('no picture is stored anywhere', async (t) => {
  const files = execFileSync('find', [at('store'), '-type', 'f'], { encoding: 'utf8' });
  t.notMatch(files, /\.(jpe?g|png|rgb)/);
});
