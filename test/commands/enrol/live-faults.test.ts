// Faults during a guided enrolment, on a real control socket with a daemon of a few plain functions. The clock of the command
// advances with the updates of the daemon, so that a minute of waiting takes seconds.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import t from 'tap';
import type { Clock } from '../../../src/base/clock.js';
import { silentLog } from '../../../src/base/log.js';
import { seededRandom } from '../../../src/commands/evaluate/random.js';
import { encodeEmbedding, type LiveFace, type LiveUpdate } from '../../../src/control/protocol.js';
import { startControl } from '../../../src/control/server.js';
import type { Reason } from '../../../src/gallery/reason.js';
import { openStore } from '../../../src/store/gallery-store.js';
import { waitFor } from '../../helpers/brokers.js';
import { type CliResult, runVerb, spawnCli } from '../../helpers/cli.js';
import { shortFolder } from '../../helpers/short-folder.js';
import { direction, face, near } from '../../room/simulator.js';

t.setTimeout(180_000);
t.jobs = 8;

const space = 'mobilefacenet-192';
const random = seededRandom(5);
const ada = direction(192, random);
const poses = [{}, {}, { yawDegrees: 25 }, { yawDegrees: -25 }, { pitchDegrees: 14 }, { pitchDegrees: -14 }];

const tooFar: Reason = { kind: 'below-threshold', best: 'ada', similarity: 0.41, needed: 0.59 };

/** The nth frame of a person who turns to every side; `reason` is why the daemon gives no name. */
function turning(n: number, reason: Reason = tooFar): LiveUpdate & { type: 'frame' } {
  const pose = { yawDegrees: 0, pitchDegrees: 0, ...poses[Math.floor(n / 8) % poses.length] };
  const { score, quality, embedding } = face(
    [50, 50, 120, 120],
    near(ada, 0.85, direction(192, random)),
    n < 100 ? pose : {},
  );
  const liveFace: LiveFace = {
    score,
    quality,
    embedding: encodeEmbedding(embedding!),
    weight: 1,
    best: 'ada',
    similarity: 0.41,
    person: null,
    reason,
  };
  return { type: 'frame', space, gallery: 1_000_000, faces: [liveFace] };
}

const nobody: LiveUpdate = { type: 'frame', space, gallery: 1_000_000, faces: [] };

/**
 * A daemon that sends `update(n)` each `everyMs`; null: nothing. `clock` shows 100 ms more for each n, so that a minute of waiting
 * is 600 updates.
 */
async function startDaemon(t: Test, update: (n: number) => LiveUpdate | null, everyMs: number) {
  const folder = shortFolder(t);
  const path = join(folder, 'lab.sock');
  let [liveClients, passedMs] = [0, 0];
  const unused = (): never => {
    throw new Error('not used here');
  };
  const control = await startControl({
    place: { listen: path, connect: [path] },
    log: silentLog,
    handlers: {
      status: unused,
      why: unused,
      pause: unused,
      resume: unused,
      watch: unused,
      look: unused,
      pictures: unused,
      picture: unused,
      engine: unused,
      analyze: unused,
      report: unused,
      live(send) {
        let n = 0;
        liveClients++;
        const timer = setInterval(() => {
          passedMs += 100;
          const next = update(n++);
          if (next !== null) send(next);
        }, everyMs);
        return () => {
          liveClients--;
          clearInterval(timer);
        };
      },
    },
  });
  t.teardown(() => control.stop());
  const clock: Clock = { monotonicMs: () => passedMs, wallMs: () => Date.now() };
  return { config: writeConfig(folder, path), clock, liveClients: () => liveClients };
}

/** From the store: the daemon of this test knows nobody. */
function peopleIn(config: string): readonly { readonly name: string }[] {
  const directory = dirname(config);
  using store = openStore({ directory, keyFile: join(directory, 'key') });
  return store.people();
}

/** `roomkin enrol Ada --live --json` with a daemon that sends `update(n)`. */
async function enrolled(t: Test, update: (n: number) => LiveUpdate | null) {
  const { config, clock, liveClients } = await startDaemon(t, update, 5);
  const result = await runVerb(['enrol', 'Ada', '--live', '--json', '--config', config], { clock });
  return { ...result, people: peopleIn(config), liveClients };
}

type Test = { teardown(fn: () => unknown): void };

function writeConfig(folder: string, path: string): string {
  const config = join(folder, 'config.toml');
  writeFileSync(
    config,
    `[room]\nid = "lab"\n[store]\ndirectory = "${folder}"\n[service]\ncontrol_socket = "${path}"\n`,
  );
  return config;
}

const lastLine = ({ stderr }: Pick<CliResult, 'stderr'>): string => stderr.trimEnd().split('\n').at(-1) ?? '';

t.test('enrolment waits 15 s for a camera that gives no picture', async (t) => {
  const result = await enrolled(t, (n) =>
    n === 0 ? { type: 'blind', paused: false, reason: 'the sensor stopped \u001b[2J' } : null,
  );
  t.equal(result.code, 69);
  t.match(result.stderr, /wait: the camera gives no picture/);
  t.match(lastLine(result), /CAMERA_BLIND: the camera gives no picture \(the sensor stopped .*; nothing was enrolled$/);
  t.notMatch(result.stderr, /\u001b/, 'control characters of a camera do not reach the terminal');
  t.same(result.people, []);
});

t.test('enrolment gives up after a minute if the face stays too small, and prints the figure', async (t) => {
  const result = await enrolled(t, (n) => {
    const frame = turning(n);
    return {
      ...frame,
      faces: frame.faces.map((liveFace) => ({ ...liveFace, quality: { ...liveFace.quality, eyesPx: 24 } })),
    };
  });
  t.equal(result.code, 65);
  t.match(
    lastLine(result),
    /LOOKS_MISSING: no good sample for a minute: come closer \(24 px between the eyes, 40 px wanted\); nothing was enrolled$/,
  );
  t.same(result.people, []);
});

t.test('the enrolment stays if the room does not recognise the person, and the rule is printed', async (t) => {
  const result = await enrolled(t, (n) => turning(n));
  t.equal(result.code, 0, result.stderr);
  t.match(result.stderr, /Ada is enrolled, but was not recognised: similarity 0\.41, 0\.59 needed/);
  t.match(JSON.parse(result.stdout).selfTest, { result: 'failed', looks: 0, named: 0, leastSimilarity: null });
  t.equal(result.people[0]?.name, 'Ada');
  await waitFor(
    () => result.liveClients() === 0,
    10_000,
    () => 'the daemon still analyses every frame',
  );
});

t.test('a person who leaves before the room has read the gallery stays enrolled', async (t) => {
  const result = await enrolled(t, (n) => (n < 100 ? { ...turning(n), gallery: 0 } : nobody));
  t.equal(result.code, 0, result.stderr);
  t.match(result.stderr, /Ada is enrolled, but was not tested: nobody stood in front of the camera any more/);
  t.match(JSON.parse(result.stdout).selfTest, { result: 'not done' });
  t.equal(result.people.length, 1);
});

t.test('Ctrl-C in the self-test stops the test, and the message says that the person is enrolled', async (t) => {
  const { config } = await startDaemon(t, (n) => ({ ...turning(n), gallery: 0 }), 100);
  const child = spawnCli(['enrol', 'Ada', '--live', '--json', '--config', config]);
  let [stdout, stderr] = ['', ''];
  let interrupted = false;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (interrupted || !stderr.includes('look into the camera again')) return;
    interrupted = child.kill('SIGINT');
  });
  const [code] = await once(child, 'close');
  t.equal(code, 0, 'the person is enrolled');
  t.match(stderr, /Ada is enrolled, but was not tested: the self-test was stopped/);
  t.match(JSON.parse(stdout).selfTest, { result: 'not done' });
  t.equal(peopleIn(config).length, 1);
});

t.test('a person who leaves after the first samples is enrolled with those', async (t) => {
  // Four seconds in front of the camera.
  const result = await enrolled(t, (n) => (n < 40 ? turning(n % 16) : nobody));
  t.equal(result.code, 0, result.stderr);
  t.match(
    result.stderr,
    /no good sample for a minute: stand (before|in front of) the camera.*; Ada is enrolled with the samples taken/,
  );
  t.match(JSON.parse(result.stdout).people, [{ person: 'ada', looks: 5, poses: { front: 5, left: 0 } }]);
  t.equal(result.people.length, 1);
});

t.test('with a daemon of another version the error says to restart it', async (t) => {
  const folder = shortFolder(t);
  const path = join(folder, 'lab.sock');
  const server = createServer((socket) => {
    socket.once('data', () =>
      socket.end('{"ok":false,"code":"USAGE","sentence":"the request is not understood: live"}\n'),
    );
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  const result = await runVerb(['enrol', 'Ada', '--live', '--config', writeConfig(folder, path)]);
  t.equal(result.code, 69);
  t.match(lastLine(result), /DAEMON_NOT_RUNNING: the running daemon has another version: restart it/);
});
